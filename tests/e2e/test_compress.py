# SPDX-License-Identifier: MIT
"""The filter compress, with decoders that are not ours: curl's, Python's, the tools'."""

import hashlib
import os
import random
import subprocess
import zlib

import pytest

import h2
import harness
import plugs

WORDS = b"tincan can serve handlers and one that crashes costs one request".split()
VARIES = "Accept-Encoding"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Files to serve: a page, a picture's worth of noise, short ones, a big one."""
    made = tmp_path_factory.mktemp("content")
    chance = random.Random(1)
    page = b" ".join(chance.choice(WORDS) for _ in range(20000))
    (made / "page.html").write_bytes(page)
    (made / "short.txt").write_bytes(b"short\n")
    (made / "picture.png").write_bytes(chance.randbytes(5000))
    (made / "packed.txt").write_bytes(page)
    (made / "packed.txt.br").write_bytes(
        subprocess.run(["brotli", "-c", "-q", "1"], input=page, stdout=subprocess.PIPE,
                       check=True).stdout)
    with open(made / "big.json", "wb") as big:
        for _ in range(200):
            big.write(b" ".join(chance.choice(WORDS) for _ in range(1000)) +
                      chance.randbytes(20).hex().encode() + page[:125000] + b"\n")
    past = 1577836800  # so that entity tags are strong
    for path in made.iterdir():
        os.utime(path, (past, past))
    return made


@pytest.fixture(scope="module", params=["host", "worker"])
def packing(request, tmp_path_factory, make_config, certificates, folder):
    """A server with compress in front of everything."""
    plug = plugs.Plugs(tmp_path_factory.mktemp("packing"))
    for name in "clock", "compress", "echo", "files":
        plug.add(harness.PLUGINS / f"{name}.so")
    plug.add(harness.BUILD / "tests/plugins/sender.so")
    names = "clock", "compress", "echo", "files", "hello", "sender"
    events = {"handler": "compress", "settings": {"types": ["text/event-stream"]}}
    running = harness.Server(plug.directory.parent, make_config(
        filters=[{"handler": "compress"}],
        routes=[{"path": "/files/*", "handler": "files",
                 "settings": {"root": str(folder)}},
                {"path": "/clock", "handler": "clock", "filters": [events]},
                {"path": "/plain/clock", "handler": "clock"},
                {"path": "/pieces", "handler": "sender"},
                {"path": "/echo", "handler": "echo"}],
        plugins={"directory": str(plug.directory), "serve_unrouted": False},
        handlers={name: {"isolation": request.param} for name in names}), certificates)
    yield running
    running.stop()


@pytest.fixture(params=["http1.1", "http2"])
def client(packing, request):
    http2 = request.param == "http2"
    with h2.connect(packing) if http2 else packing.connect() as connected:
        yield connected


def unpack(coding, data):
    """What the tool of that coding makes of it."""
    tool = {"gzip": ["gzip", "-dc"], "br": ["brotli", "-dc"], "zstd": ["zstd", "-dcq"]}
    return subprocess.run(tool[coding], input=data, stdout=subprocess.PIPE, check=True,
                          timeout=harness.DEADLINE).stdout


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_page_comes_out_as_it_was(client, folder, coding):
    page = (folder / "page.html").read_bytes()
    reply = client.get("/files/page.html", f"accept-encoding: {coding}")
    assert reply.status == 200
    assert reply.header("content-encoding") == coding
    assert reply.header("vary") == VARIES
    assert reply.header("accept-ranges") is None
    assert reply.header("etag").startswith('W/"')
    assert len(reply.body) < len(page) / 2
    assert unpack(coding, reply.body) == page


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "gzip, deflate, br, zstd"])
def test_curl_reads_it(packing, folder, version, coding):
    body = packing.curl("/files/page.html", "--compressed", version,
                        "--header", f"Accept-Encoding: {coding}")
    assert body == (folder / "page.html").read_bytes()


@pytest.mark.parametrize("accept", [None, "", "identity", "gzip;q=0", "deflate"])
def test_who_takes_no_coding_gets_the_page_as_it_is(client, folder, accept):
    fields = () if accept is None else (f"accept-encoding: {accept}",)
    reply = client.get("/files/page.html", *fields)
    page = (folder / "page.html").read_bytes()
    assert reply.body == page
    assert reply.header("content-length") == str(len(page))
    assert reply.header("content-encoding") is None
    assert reply.header("vary") == VARIES
    assert reply.header("accept-ranges") == "bytes"
    assert reply.header("etag").startswith('"')


def test_head_has_the_fields_of_get(client):
    head, get = (client.request(method, "/files/page.html", "accept-encoding: zstd")
                 for method in ("HEAD", "GET"))
    assert head.body == b""
    kept = [[field for field in reply.fields if field[0] not in
             ("date", "transfer-encoding", "content-length")] for reply in (head, get)]
    assert kept[0] == kept[1]
    assert ("content-encoding", "zstd") in kept[0]
    assert head.header("content-length") in (None, get.header("content-length"))


def test_what_the_client_has_is_not_sent_again(client):
    first = client.get("/files/page.html", "accept-encoding: gzip")
    tag = first.header("etag")
    again = client.get("/files/page.html", "accept-encoding: gzip",
                       f"if-none-match: {tag}")
    assert (again.status, again.body) == (304, b"")
    assert (again.header("etag"), again.header("vary")) == (tag, VARIES)
    plain = client.get("/files/page.html", f"if-none-match: {tag[2:]}")
    assert (plain.status, plain.header("etag")) == (304, tag[2:])
    assert plain.header("vary") == VARIES


def test_a_part_is_a_part_of_the_file(client, folder):
    reply = client.get("/files/page.html", "accept-encoding: gzip",
                       "range: bytes=10-5009")
    assert reply.status == 206
    assert reply.header("content-encoding") is None
    assert reply.header("vary") == VARIES
    assert reply.body == (folder / "page.html").read_bytes()[10:5010]


def test_parts_of_what_was_compressed_are_not_joined_with_it(client):
    tag = client.get("/files/page.html", "accept-encoding: gzip").header("etag")
    reply = client.get("/files/page.html", "accept-encoding: gzip", "range: bytes=10-",
                       f"if-range: {tag}")
    assert (reply.status, reply.header("content-encoding")) == (200, "gzip")


def test_what_is_not_worth_it_is_left_alone(client, folder):
    accept = "accept-encoding: gzip, br, zstd"
    picture = client.get("/files/picture.png", accept)
    assert picture.body == (folder / "picture.png").read_bytes()
    assert (picture.header("content-encoding"), picture.header("vary")) == (None, VARIES)
    short = client.get("/files/short.txt", accept)
    assert (short.body, short.header("content-length")) == (b"short\n", "6")
    assert (short.header("content-encoding"), short.header("vary")) == (None, VARIES)


def test_what_is_compressed_already_is_left_alone(client, folder):
    reply = client.get("/files/packed.txt", "accept-encoding: br, zstd;q=0.5")
    assert reply.header("content-encoding") == "br"
    assert reply.body == (folder / "packed.txt.br").read_bytes()
    assert reply.header("etag").startswith('"')
    other = client.get("/files/packed.txt", "accept-encoding: zstd")
    assert other.header("content-encoding") == "zstd"
    assert unpack("zstd", other.body) == (folder / "page.html").read_bytes()


def test_pieces_of_unknown_length_come_out_as_they_were(client):
    reply = client.get("/pieces", "accept-encoding: gzip")
    assert reply.header("content-encoding") == "gzip"
    assert unpack("gzip", reply.body) == b"0123456789" * 100


def test_an_error_page_is_a_reply_too(client):
    reply = client.get("/nowhere", "accept-encoding: gzip")
    assert (reply.status, reply.header("content-encoding")) == (404, None)
    assert reply.header("vary") == VARIES


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_20_megabytes_come_out_as_they_were(packing, folder, version, coding):
    big = (folder / "big.json").read_bytes()
    assert len(big) > 20_000_000
    body = packing.curl("/files/big.json", version, "--header",
                        f"Accept-Encoding: {coding}")
    assert len(body) < len(big) / 2
    assert hashlib.sha256(unpack(coding, body)).digest() == hashlib.sha256(big).digest()


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_events_arrive_while_more_are_to_come(packing, version, coding):
    """The clock never ends: what is read of it has not waited for more."""
    with subprocess.Popen(
            ["curl", "--silent", "--no-buffer", "--compressed", version, "--noproxy", "*",
             "--cacert", packing.certificates / "ca.crt", "--resolve",
             f"localhost:{packing.port}:{packing.host}", "--max-time",
             str(harness.DEADLINE), "--header", f"Accept-Encoding: {coding}", "--include",
             packing.url("/clock")], stdout=subprocess.PIPE) as curl:
        lines = [line.rstrip() for line in iter(curl.stdout.readline, b"event: tick\n")]
        assert curl.stdout.readline().startswith(b"data: 20")
        curl.terminate()
    assert f"content-encoding: {coding}".encode() in [line.lower() for line in lines]


def test_events_are_compressed_only_if_named(packing):
    with packing.connect() as client:
        client.start("GET", "/plain/clock", "accept-encoding: gzip")
        reply = client.read_head()
    assert (reply.header("content-encoding"), reply.header("vary")) == (None, None)


def test_a_client_that_leaves_in_the_middle_harms_nobody(packing, folder):
    for _ in range(3):
        with packing.connect() as client:
            client.start("GET", "/files/big.json", "accept-encoding: gzip")
            assert client.read_head().status == 200
            client.read(1000)
    reply = packing.get("/files/page.html", "accept-encoding: gzip")
    assert zlib.decompress(reply.body, 31) == (folder / "page.html").read_bytes()
