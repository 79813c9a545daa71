# SPDX-License-Identifier: MIT
"""The files handler: names, types, preconditions, ranges, encodings, listings."""

import email
import email.utils
import hashlib
import json
import os
import shutil
import socket
import subprocess

import pytest

import harness
from browser import Browser

MODIFIED = "Wed, 01 Jan 2020 00:00:00 GMT"
BEFORE = "Tue, 31 Dec 2019 23:59:59 GMT"
DIGITS = "0123456789" * 10


@pytest.fixture
def etag(client):
    return client.get("/files/digits.txt").header("etag")


# Names


def test_serves_a_file(server):
    assert server.curl("/files/digits.txt").decode() == DIGITS


def test_directory_shows_its_index(client):
    reply = client.get("/files/")
    assert reply.status == 200
    assert reply.header("content-type") == "text/html; charset=utf-8"
    assert "front" in reply.text


def test_directory_without_slash_redirects_and_keeps_the_query(server, client, site):
    (site / "docs").mkdir(exist_ok=True)
    (site / "docs/index.html").write_text("the docs")
    reply = client.get("/files/docs?a=%2F&b")
    assert (reply.status, reply.header("location")) == (308, "./docs/?a=%2F&b")
    assert server.curl("/files/docs", "--location") == b"the docs"


@pytest.mark.parametrize("name", [
    "/evil.example", "//evil.example", "%2Fevil.example", "\\evil.example",
    "javascript:x"])
def test_redirect_never_leaves_the_host(server, site, start_server, name):
    folder = name.replace("%2F", "/").strip("/")
    (site / folder).mkdir(exist_ok=True)
    routes = [{"path": "/*", "handler": "files", "settings": {"root": str(site)}}]
    with start_server(routes=routes).connect() as client:
        reply = client.get("/" + name)
    if reply.status == 308:
        place = reply.header("location")
        assert place.startswith("./") and "//" not in place and "\\" not in place
    else:
        assert reply.status in (400, 404)


@pytest.mark.parametrize("target", [
    "nothing", "digits.txt/", "digits.txt/x", "a//b", "/digits.txt", "docs%2Findex.html",
    "%2Fetc/passwd", "..%2Fserver.json", "%2e%2e%2fserver.json", "x" * 300,
])
def test_what_is_not_there_is_404(client, site, target):
    (site / "docs").mkdir(exist_ok=True)
    reply = client.get("/files/" + target)
    assert reply.status == 404
    assert reply.header("content-type") == "text/html; charset=utf-8"
    assert "404 Not Found" in reply.text


@pytest.mark.parametrize("target", [
    "/files/../../../../etc/passwd", "/files/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/files/./.././../../etc/passwd"])
def test_dot_segments_lead_nowhere(server, target):
    with server.connect() as client:
        reply = client.get(target)
    assert reply.status in (400, 404)
    assert b"root:" not in reply.body


def test_nul_in_a_name_is_refused(server):
    with server.connect() as client:
        assert client.get("/files/digits.txt%00.html").status == 400


@pytest.mark.parametrize("name", [".secret", ".git/config", "docs/.hidden/x"])
def test_names_with_a_dot_in_front_are_hidden(client, site, name):
    path = site / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("secret")
    assert client.get("/files/" + name).status == 404
    assert client.get("/list/" + name).text == "secret"


def test_well_known_is_not_hidden(client, site):
    (site / ".well-known").mkdir(exist_ok=True)
    (site / ".well-known/security.txt").write_text("Contact: us")
    assert client.get("/files/.well-known/security.txt").text == "Contact: us"


def test_symbolic_links_are_refused(client, site):
    (site / "link.txt").unlink(missing_ok=True)
    (site / "link.txt").symlink_to("digits.txt")
    assert client.get("/files/link.txt").status == 404


def test_symbolic_links_inside_are_followed_where_allowed(client, site):
    (site / "inside.txt").unlink(missing_ok=True)
    (site / "inside.txt").symlink_to("digits.txt")
    assert client.get("/list/inside.txt").text == DIGITS


@pytest.mark.parametrize("target", ["/etc/passwd", "../../../../../../etc/passwd", "/",
                                    "/proc/self/root/etc/passwd"])
def test_symbolic_links_out_of_the_root_are_never_followed(client, site, target):
    (site / "out").unlink(missing_ok=True)
    (site / "out").symlink_to(target)
    for folder in "/files/", "/list/":
        assert client.get(folder + "out").status == 404
        assert client.get(folder + "out/etc/passwd").status == 404


def test_symbolic_link_as_a_folder_on_the_way_is_refused(client, site):
    (site / "docs").mkdir(exist_ok=True)
    (site / "docs/page.txt").write_text("page")
    (site / "way").unlink(missing_ok=True)
    (site / "way").symlink_to("docs")
    assert client.get("/files/way/page.txt").status == 404
    assert client.get("/list/way/page.txt").text == "page"


def test_fifo_and_socket_are_404_at_once(client, site):
    if not (site / "fifo").exists():
        os.mkfifo(site / "fifo")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(site / "sock"))
    assert client.get("/list/fifo").status == 404
    assert client.get("/list/sock").status == 404


def test_unreadable_file_is_403(start_server, tmp_path):
    (tmp_path / "private.txt").write_text("private")
    (tmp_path / "private.txt").chmod(0)
    # Root reads every file, unless it gives that privilege up.
    less = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    server = start_server(prefix=less if os.geteuid() == 0 else [], routes=[
        {"path": "/*", "handler": "files", "settings": {"root": str(tmp_path)}}])
    assert server.get("/private.txt").status == 403


def test_names_of_any_bytes_are_served(client, site):
    with open(os.fsencode(site) + b"/a b\xff#?.txt", "wb") as file:
        file.write(b"odd")
    assert client.get("/files/a%20b%FF%23%3F.txt").text == "odd"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(client, method):
    reply = client.request(method, "/files/digits.txt", body=b"")
    assert (reply.status, reply.header("allow")) == (405, "GET, HEAD")


def test_head_tells_all_but_the_body(client):
    get = client.get("/files/digits.txt")
    head = client.request("HEAD", "/files/digits.txt")
    assert head.status == 200
    assert [x for x in head.fields if x[0] != "date"] == [
        x for x in get.fields if x[0] != "date"]
    assert client.get("/files/digits.txt").text == DIGITS


def test_empty_file_is_served(client, site):
    (site / "empty.txt").write_text("")
    for fields in (), ("Range: bytes=0-",), ("Range: bytes=-5",):
        reply = client.get("/files/empty.txt", *fields)
        assert (reply.status, reply.header("content-length")) == (200, "0")


def test_root_may_be_swapped_under_a_running_server(tmp_path, start_server):
    for name in "one", "two":
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.txt").write_text(name)
    (tmp_path / "current").symlink_to("one")
    server = start_server(routes=[{"path": "/*", "handler": "files",
                                   "settings": {"root": str(tmp_path / "current")}}])
    assert server.get("/x.txt").text == "one"
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").rename(tmp_path / "current")
    harness.wait_for(lambda: server.get("/x.txt").text == "two", "the new root")


def test_large_file_arrives_whole(server, site):
    digest = hashlib.sha256()
    with open(site / "large.bin", "wb") as file:
        for i in range(64):
            block = hashlib.shake_128(bytes([i])).digest(1 << 20)
            file.write(block)
            digest.update(block)
    assert hashlib.sha256(server.curl("/files/large.bin")).digest() == digest.digest()


def test_large_files_are_not_read_into_memory(start_server, tmp_path):
    with open(tmp_path / "huge.bin", "wb") as file:
        file.truncate(1 << 30)
    server = start_server(workers=1, routes=[
        {"path": "/*", "handler": "files", "settings": {"root": str(tmp_path)}}])
    clients = [server.connect() for _ in range(8)]
    for client in clients:
        client.start("GET", "/huge.bin")
        assert client.read_head().status == 200
        client.read(1 << 20)
    pages = int(open(f"/proc/{server.workers[0]}/statm").read().split()[1])
    for client in clients:
        client.close()
    assert pages * 4096 < 256 << 20


# Types


@pytest.mark.parametrize("name, expected", [
    ("a.html", "text/html; charset=utf-8"), ("a.HTML", "text/html; charset=utf-8"),
    ("a.css", "text/css; charset=utf-8"), ("a.js", "text/javascript; charset=utf-8"),
    ("a.json", "application/json"), ("a.png", "image/png"), ("a.svg",
     "image/svg+xml; charset=utf-8"), ("a.woff2", "font/woff2"), ("a.wasm",
     "application/wasm"), ("a.7z", "application/x-7z-compressed"), ("a.zst",
     "application/zstd"), ("a.tar.gz", "application/gzip"), ("a.unheard",
     "application/octet-stream"), ("README", "application/octet-stream"),
    ("trailing.", "application/octet-stream"), ("a.tin", "application/octet-stream"),
])
def test_type_follows_the_extension(client, site, name, expected):
    (site / name).write_text("x")
    reply = client.get("/files/" + name)
    assert reply.header("content-type") == expected
    assert reply.header("x-content-type-options") == "nosniff"


def test_settings_add_types(client, site):
    (site / "b.tin").write_text("x")
    assert client.get("/list/b.tin").header("content-type") == "text/x-tin"


def test_a_dot_in_a_folder_is_no_extension(client, site):
    (site / "v1.html").mkdir(exist_ok=True)
    (site / "v1.html/plain").write_text("x")
    reply = client.get("/files/v1.html/plain")
    assert reply.header("content-type") == "application/octet-stream"


def test_max_age_becomes_cache_control(client):
    assert client.get("/list/digits.txt").header("cache-control") == "max-age=60"
    assert client.get("/files/digits.txt").header("cache-control") is None


# Preconditions (RFC 9110 section 13)


def test_validators(client, etag):
    reply = client.get("/files/digits.txt")
    assert reply.header("last-modified") == MODIFIED
    assert reply.header("etag") == etag
    assert etag[0] == etag[-1] == '"'


def test_etag_changes_with_the_content(client, site):
    path = site / "changing.txt"
    tags = set()
    for text in "one", "two", "three":
        path.write_text(text)
        tags.add(client.get("/files/changing.txt").header("etag"))
    new = site / "changing.new"
    new.write_text("THREE")
    shutil.copystat(path, new)
    new.rename(path)
    tags.add(client.get("/files/changing.txt").header("etag"))
    assert len(tags) == 4


def test_last_modified_is_never_in_the_future(client, site):
    (site / "future.txt").write_text("x")
    os.utime(site / "future.txt", (2 ** 33, 2 ** 33))
    reply = client.get("/files/future.txt")
    modified, date = (email.utils.parsedate_to_datetime(reply.header(name))
                      for name in ("last-modified", "date"))
    assert modified <= date


@pytest.mark.parametrize("fields, status", [
    (["If-None-Match: {etag}"], 304),
    (["If-None-Match: W/{etag}"], 304),
    (["If-None-Match: *"], 304),
    (["If-None-Match: \"x,y\", {etag}"], 304),
    (["If-None-Match: \"x\"", "If-None-Match: {etag}"], 304),
    (["If-None-Match: \"x\""], 200),
    (["If-None-Match: {bare}"], 200),
    (["If-None-Match: \"x"], 200),
    # 13.1.3: a tag makes the date irrelevant.
    (["If-None-Match: \"x\"", "If-Modified-Since: " + MODIFIED], 200),
    (["If-None-Match: {etag}", "If-Modified-Since: " + BEFORE], 304),
    (["If-Modified-Since: " + MODIFIED], 304),
    (["If-Modified-Since: Wednesday, 01-Jan-20 00:00:00 GMT"], 304),
    (["If-Modified-Since: Wed Jan  1 00:00:00 2020"], 304),
    (["If-Modified-Since: Fri, 01 Jan 2021 00:00:00 GMT"], 304),
    (["If-Modified-Since: " + BEFORE], 200),
    (["If-Modified-Since: Thu, 01 Jan 2020 00:00:00 GMT"], 200),  # it was a Wednesday
    (["If-Modified-Since: Wed, 01 Jan 2020 00:00:00 CET"], 200),
    (["If-Modified-Since: 2020-01-01"], 200),
    (["If-Match: {etag}"], 200),
    (["If-Match: *"], 200),
    (["If-Match: \"x\", {etag}"], 200),
    (["If-Match: \"x\""], 412),
    (["If-Match: W/{etag}"], 412),
    (["If-Match: "], 412),
    (["If-Unmodified-Since: " + MODIFIED], 200),
    (["If-Unmodified-Since: " + BEFORE], 412),
    (["If-Unmodified-Since: never"], 200),
    # 13.2.2: the order of the questions.
    (["If-Match: {etag}", "If-Unmodified-Since: " + BEFORE], 200),
    (["If-Match: \"x\"", "If-None-Match: {etag}"], 412),
    (["If-Match: {etag}", "If-None-Match: {etag}"], 304),
    (["If-Unmodified-Since: " + BEFORE, "If-None-Match: {etag}"], 412),
    (["If-Unmodified-Since: " + MODIFIED, "If-Modified-Since: " + MODIFIED], 304),
])
def test_preconditions(client, etag, fields, status):
    fields = [x.format(etag=etag, bare=etag.strip('"')) for x in fields]
    reply = client.get("/files/digits.txt", *fields)
    assert reply.status == status
    assert client.request("HEAD", "/files/digits.txt", *fields).status == status


def test_304_updates_a_cache_and_has_no_body(client):
    tag = client.get("/list/digits.txt").header("etag")
    reply = client.get("/list/digits.txt", f"If-None-Match: {tag}")
    assert reply.header("etag") == tag
    assert reply.header("cache-control") == "max-age=60"
    assert reply.header("content-type") is None
    assert reply.header("last-modified") is None
    assert client.get("/files/digits.txt").text == DIGITS


def test_preconditions_mean_nothing_to_what_is_not_there(client):
    assert client.get("/files/nothing", "If-Match: \"x\"").status == 404


# Ranges (RFC 9110 section 14)


@pytest.mark.parametrize("asked, first, last", [
    ("bytes=0-0", 0, 0), ("bytes=0-9", 0, 9), ("bytes=95-", 95, 99), ("bytes=-5", 95, 99),
    ("bytes=90-1000", 90, 99), ("bytes=-1000", 0, 99), ("bytes=0-", 0, 99),
    ("BYTES=5-6", 5, 6), ("bytes= 5-6", 5, 6), ("bytes=0-99999999999999999999999", 0, 99),
    ("bytes=5-6,200-300", 5, 6), ("bytes=,5-6,", 5, 6),
    # Near each other: one part is shorter than two.
    ("bytes=0-1,3-4", 0, 4), ("bytes=10-20,15-30", 10, 30), ("bytes=30-40,10-29", 10, 40),
])
def test_one_part(client, asked, first, last):
    reply = client.get("/files/digits.txt", f"Range: {asked}")
    assert reply.status == 206
    assert reply.header("content-range") == f"bytes {first}-{last}/100"
    assert reply.header("content-type") == "text/plain; charset=utf-8"
    assert reply.text == DIGITS[first:last + 1]


@pytest.mark.parametrize("asked", [
    "bytes=", "bytes=-", "bytes=5", "bytes=6-5", "bytes=a-b", "lines=1-2", "bytes",
    "bytes=1-2 3-4", "bytes=1-2;3-4", "bytes=1-2,x", "bytes=--5", "bytes=+1-2",
    "bytes=" + ",".join(f"{i}-{i}" for i in range(0, 100)),
])
def test_what_is_not_understood_or_too_much_gets_the_whole(client, asked):
    reply = client.get("/files/digits.txt", f"Range: {asked}")
    assert (reply.status, reply.text) == (200, DIGITS)


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=-0",
                                   "bytes=200-300,400-500"])
def test_unsatisfiable(client, asked):
    reply = client.get("/files/digits.txt", f"Range: {asked}")
    assert (reply.status, reply.header("content-range")) == (416, "bytes */100")


def test_head_knows_no_ranges(client):
    reply = client.request("HEAD", "/files/digits.txt", "Range: bytes=0-1")
    assert (reply.status, reply.header("content-length")) == (200, "100")


def parts_of(reply):
    text = b"Content-Type: " + reply.header("content-type").encode() + b"\r\n\r\n"
    message = email.message_from_bytes(text + reply.body)
    assert message.is_multipart() and not message.defects
    return [(part["content-range"], part["content-type"], part.get_payload(decode=True))
            for part in message.get_payload()]


@pytest.fixture(scope="session")
def numbers(site):
    data = "".join(f"{i:06d}\n" for i in range(10000)).encode()
    (site / "numbers.txt").write_bytes(data)
    return data


@pytest.mark.parametrize("asked, ranges", [
    ("bytes=0-9,1000-1009", [(0, 9), (1000, 1009)]),
    # In the order asked, joined where they touch, those beyond the end left out.
    ("bytes=5000-5009,0-9,-7", [(5000, 5009), (0, 9), (69993, 69999)]),
    ("bytes=0-99,3000-3001,50-199", [(0, 199), (3000, 3001)]),
    ("bytes=0-9,500-509,1000-1009,9-501", [(0, 509), (1000, 1009)]),
    ("bytes=0-9,99999-,500-509", [(0, 9), (500, 509)]),
    ("bytes=0-9, ,\t500-509 ", [(0, 9), (500, 509)]),
])
def test_several_parts(client, numbers, asked, ranges):
    reply = client.get("/files/numbers.txt", f"Range: {asked}")
    assert reply.status == 206
    assert reply.header("content-range") is None
    assert int(reply.header("content-length")) == len(reply.body)
    assert parts_of(reply) == [
        (f"bytes {a}-{b}/70000", "text/plain; charset=utf-8", numbers[a:b + 1])
        for a, b in ranges]


def test_several_parts_leave_no_descriptor_open(start_server, site, numbers):
    server = start_server(workers=1, routes=[
        {"path": "/*", "handler": "files", "settings": {"root": str(site)}}])
    with server.connect() as client:
        def get():
            reply = client.get("/numbers.txt", "Range: bytes=0-9,1000-1009,3000-3009")
            assert reply.status == 206
            return len(os.listdir(f"/proc/{server.workers[0]}/fd"))
        before = get()
        assert {get() for _ in range(50)} == {before}


def test_boundaries_cannot_be_foreseen(client, numbers):
    types = {client.get("/files/numbers.txt", "Range: bytes=0-9,1000-1009")
             .header("content-type") for _ in range(3)}
    assert len(types) == 3


@pytest.mark.parametrize("condition, status", [
    ("{etag}", 206), ("\"x\"", 200), ("W/{etag}", 200), (MODIFIED, 206), (BEFORE, 200),
    ("Wed Jan  1 00:00:00 2020", 200), ("", 200),
])
def test_if_range(client, etag, condition, status):
    reply = client.get("/files/digits.txt", "Range: bytes=0-1",
                       "If-Range: " + condition.format(etag=etag))
    assert reply.status == status


def test_if_range_means_nothing_without_range(client):
    assert client.get("/files/digits.txt", "If-Range: \"x\"").status == 200


def test_precondition_comes_before_range(client, etag):
    reply = client.get("/files/digits.txt", "Range: bytes=0-1", f"If-None-Match: {etag}")
    assert reply.status == 304


def test_curl_resumes_a_download(server, site, tmp_path, numbers):
    partial = tmp_path / "numbers.txt"
    partial.write_bytes(numbers[:12345])
    server.curl("/files/numbers.txt", "--continue-at", "-", "--output", partial)
    assert partial.read_bytes() == numbers


# Precompressed files


@pytest.fixture(scope="session")
def packed(site):
    """app.js with three encodings that are told apart by their content."""
    (site / "app.js").write_text("plain")
    for suffix in "br", "zst", "gz":
        (site / f"app.js.{suffix}").write_text(suffix)
    for path in site.glob("app.js*"):
        os.utime(path, (1577836800, 1577836800))


@pytest.mark.parametrize("accept, coding, text", [
    (None, None, "plain"), ("", None, "plain"), ("identity", None, "plain"),
    ("gzip", "gzip", "gz"), ("x-gzip", "gzip", "gz"), ("GZip", "gzip", "gz"),
    ("br", "br", "br"), ("zstd", "zstd", "zst"), ("gzip, deflate, br, zstd", "br", "br"),
    ("gzip, zstd", "zstd", "zst"), ("br;q=0.5, gzip;q=0.8", "gzip", "gz"),
    ("br;q=0, *", "zstd", "zst"), ("*", "br", "br"), ("*;q=0", None, "plain"),
    ("deflate", None, "plain"), ("gzip;q=0", None, "plain"),
    ("gzip;q=0.5, identity", None, "plain"), ("gzip;q=0.5, identity;q=0.4", "gzip", "gz"),
    ("gzip;q=0.001", "gzip", "gz"),
])
def test_encoding_follows_accept_encoding(client, packed, accept, coding, text):
    fields = [] if accept is None else [f"Accept-Encoding: {accept}"]
    reply = client.get("/files/app.js", *fields)
    assert (reply.header("content-encoding"), reply.text) == (coding, text)
    assert reply.header("content-type") == "text/javascript; charset=utf-8"
    assert reply.header("vary") == "Accept-Encoding"


def test_each_encoding_has_its_own_etag(client, packed):
    tags = {client.get("/files/app.js", f"Accept-Encoding: {coding}").header("etag")
            for coding in ("identity", "gzip", "br", "zstd")}
    assert len(tags) == 4


def test_304_of_an_encoding(client, packed):
    tag = client.get("/files/app.js", "Accept-Encoding: gzip").header("etag")
    reply = client.get("/files/app.js", "Accept-Encoding: gzip", f"If-None-Match: {tag}")
    assert (reply.status, reply.header("vary")) == (304, "Accept-Encoding")
    assert client.get("/files/app.js", f"If-None-Match: {tag}").status == 200


def test_range_of_an_encoding_is_of_its_bytes(client, packed):
    reply = client.get("/files/app.js", "Accept-Encoding: zstd", "Range: bytes=1-")
    assert (reply.status, reply.text) == (206, "st")
    assert reply.header("content-range") == "bytes 1-2/3"


def test_an_encoding_older_than_its_original_is_not_used(client, site):
    (site / "old.css").write_text("new")
    (site / "old.css.gz").write_text("old")
    os.utime(site / "old.css.gz", (1577836800, 1577836800))
    assert client.get("/files/old.css", "Accept-Encoding: gzip").text == "new"


def test_index_is_precompressed_too(client, site):
    (site / "packed").mkdir(exist_ok=True)
    (site / "packed/index.html").write_text("plain")
    (site / "packed/index.html.gz").write_text("gz")
    reply = client.get("/files/packed/", "Accept-Encoding: gzip")
    assert (reply.header("content-encoding"), reply.text) == ("gzip", "gz")


def test_precompressed_can_be_switched_off(client, packed):
    reply = client.get("/list/app.js", "Accept-Encoding: gzip")
    assert (reply.text, reply.header("vary")) == ("plain", None)


def test_curl_unpacks_what_gzip_packed(server, site):
    text = "all the words " * 100
    (site / "book.txt").write_text(text)
    subprocess.run(["gzip", "-9fk", site / "book.txt"], check=True)
    assert server.curl("/files/book.txt", "--compressed").decode() == text


# Listings


@pytest.fixture(scope="session")
def shelf(site):
    folder = site / "shelf"
    (folder / "zebra").mkdir(parents=True)
    (folder / "Beta.txt").write_text("x" * 1536)
    (folder / "alpha.txt").write_text("x")
    (folder / "<b>&\"'.txt").write_text("x")
    (folder / "a:b c%2F.txt").write_text("x")
    (folder / "goes-out").symlink_to("/etc")
    (folder / "inside").symlink_to("alpha.txt")
    os.mkfifo(folder / "pipe")
    return folder


def test_no_listing_unless_asked_for(client, shelf):
    assert client.get("/files/shelf/").status == 404


def test_listing_has_folders_first_then_names_in_order(client, shelf):
    text = client.get("/list/shelf/").text
    places = [text.index(f">{x}<") for x in ("../", "zebra/", "alpha.txt", "Beta.txt",
                                             "inside")]
    assert places == sorted(places)


def test_listing_escapes_names(client, shelf):
    text = client.get("/list/shelf/").text
    assert '<a href="%3Cb%3E%26%22%27.txt">&lt;b&gt;&amp;&quot;\'.txt</a>' in text
    assert "<b>" not in text


def test_listing_shows_sizes_and_dates(client, shelf):
    os.utime(shelf / "Beta.txt", (1577836800, 1577836800))
    assert "<td>1.5 kB<td>2020-01-01 00:00" in client.get("/list/shelf/").text


def test_listing_shows_only_what_can_be_had(client, shelf):
    text = client.get("/list/shelf/").text
    assert "pipe" not in text and "goes-out" not in text and "%2F" not in text


def test_links_of_a_listing_work(server, shelf):
    for line in server.get("/list/shelf/").text.splitlines():
        if "href=" in line and "../" not in line:
            link = line.split('href="')[1].split('"')[0]
            assert server.get("/list/shelf/" + link).status in (200, 308), link


def test_top_of_a_listing_has_no_way_up(tmp_path, start_server):
    (tmp_path / "root").mkdir()
    server = start_server(routes=[{"path": "/*", "handler": "files", "settings": {
        "root": str(tmp_path / "root"), "listing": True}}])
    reply = server.get("/")
    assert reply.status == 200 and "../" not in reply.text


def test_listing_allows_no_scripts(client, shelf):
    assert "default-src 'none'" in client.get("/list/shelf/").header(
        "content-security-policy")


# Settings


@pytest.mark.parametrize("settings, key, message", [
    ({}, "root", "missing"),
    ({"root": "nowhere"}, "root", "No such file"),
    ({"root": "server.json"}, "root", "Not a directory"),
    ({"root": ".", "index": "a/b"}, "index", "name of a file"),
    ({"root": ".", "types": {"a.b": "x/y"}}, "types", "without a dot"),
    ({"root": ".", "types": {"ab": "xy"}}, "types", "media type"),
    ({"root": ".", "types": 5}, "types", "found '5'"),
    ({"root": ".", "types": ["x/y"]}, "types", "expected an object"),
    ({"root": ".", "max_age": -1}, "max_age", ""),
    ({"root": ".", "listing": "yes"}, "listing", ""),
    ({"root": ".", "lisTing": True}, "lisTing", "listing"),
])
def test_wrong_settings_are_refused(tmp_path, make_config, settings, key, message):
    (tmp_path / "server.json").write_text(json.dumps(make_config(
        routes=[{"path": "/*", "handler": "files", "settings": settings}])))
    done = harness.tincan("check", "--config", "server.json", folder=tmp_path)
    assert done.returncode == 2
    assert any("routes[0]" in line and key in line for line in done.stderr.splitlines())
    assert message in done.stderr


# The default site


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_chromium_shows_the_welcome_page(server, tmp_path):
    with Browser(tmp_path / "chromium", server.url("/www/")) as page:
        title = page.evaluate("document.querySelector('h1').textContent")
    assert title == "The line is open."
    assert server.wait_access("/www/style.css")["status"] == 200
    assert server.wait_access("/www/tincan.svg")["status"] == 200


def test_welcome_page_leads_to_every_other_handler():
    text = (harness.TOP / "www/index.html").read_text()
    for link in "../hello/", "../echo", "../chat", "../status":
        assert f'href="{link}' in text
