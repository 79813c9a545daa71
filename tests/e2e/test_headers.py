# SPDX-License-Identifier: MIT
"""The filter headers: fields of replies of every kind, and of requests."""

import json

import pytest

import h2
import harness

SETTINGS = {
    "set": {"Strict-Transport-Security": "max-age=31536000",
            "Content-Type": "text/x-new"},
    "default": {"Cache-Control": "no-cache", "X-Content-Type-Options": "unset"},
    "add": {"Link": ["</a>", "</b>"]},
    "remove": ["ETag"],
    "request": {"set": {"X-Edge": "yes"}, "remove": ["Cookie"]},
}


@pytest.fixture(scope="module", params=["host", "worker"])
def changing(request, tmp_path_factory, make_config, certificates, site):
    only = {"handler": "headers",
            "settings": {"status": [404, "5xx"], "set": {"X-Wrong": "yes"}}}
    running = harness.Server(tmp_path_factory.mktemp("changing"), make_config(
        filters=[{"handler": "headers", "settings": SETTINGS}],
        routes=[{"path": "/files/*", "handler": "files", "settings": {"root": str(site)},
                 "filters": [only]},
                {"path": "/echo", "handler": "echo"},
                {"path": "/old", "redirect": "/new"}],
        handlers={name: {"isolation": request.param} for name in
                  ("echo", "files", "headers")}), certificates)
    yield running
    running.stop()


@pytest.fixture(params=["http1.1", "http2"])
def client(changing, request):
    http2 = request.param == "http2"
    with h2.connect(changing) if http2 else changing.connect() as connected:
        yield connected


def check_changed(reply):
    assert reply.header("strict-transport-security") == "max-age=31536000"
    assert [value for name, value in reply.fields if name == "link"] == ["</a>", "</b>"]
    assert reply.header("etag") is None


def test_changes_a_reply(client):
    reply = client.get("/files/digits.txt")
    assert (reply.status, reply.text) == (200, "0123456789" * 10)
    check_changed(reply)
    assert reply.header("content-type") == "text/x-new"
    assert reply.header("cache-control") == "no-cache"
    assert reply.header("x-content-type-options") == "nosniff"
    assert reply.header("x-wrong") is None


def test_changes_the_reply_to_a_head(client):
    reply = client.request("HEAD", "/files/digits.txt")
    assert (reply.status, reply.body) == (200, b"")
    assert reply.header("content-length") == "100"
    check_changed(reply)


def test_changes_a_304(client):
    reply = client.get("/files/digits.txt",
                       "if-modified-since: Wed, 01 Jan 2020 00:00:00 GMT")
    assert reply.status == 304
    check_changed(reply)


def test_changes_a_part(client):
    reply = client.get("/files/digits.txt", "range: bytes=1-3")
    assert (reply.status, reply.text) == (206, "123")
    check_changed(reply)


def test_changes_a_handlers_404(client):
    reply = client.get("/files/nothing")
    assert reply.status == 404
    check_changed(reply)
    assert reply.header("x-wrong") == "yes"


@pytest.mark.parametrize("target, status", [("/nowhere", 404), ("/old", 302)])
def test_changes_the_servers_own_replies(client, target, status):
    reply = client.get(target)
    assert reply.status == status
    check_changed(reply)


def test_changes_the_request(client):
    reply = client.get("/echo", "cookie: a=b", "x-edge: no", "x-other: 1")
    seen = [field for field in reply.json["headers"] if field[0][:2] in ("x-", "co")]
    assert sorted(seen) == [["x-edge", "yes"], ["x-other", "1"]]


@pytest.mark.parametrize("settings, place, message", [
    ({"set": {"Transfer-Encoding": "chunked"}}, "set.Transfer-Encoding",
     "this field is the server's to send"),
    ({"add": {"A B": "1"}}, "add.A B", "expected a field name"),
    ({"set": {"A": "1\r\nB: 2"}}, "set.A", "expected a value without control characters"),
    ({"remove": ["A", "Content-Length"]}, r"remove\[1\]", "this field is the server's"),
    ({"request": {"sett": {}}}, "request.sett", "unknown setting 'request.sett'"),
    ({"sets": {"A": "1"}}, "sets", "unknown setting 'sets'"),
])
def test_mistakes_are_told_with_their_place(tmp_path, make_config, settings, place,
                                            message):
    config = tmp_path / "server.json"
    config.write_text(json.dumps(make_config(
        filters=[{"handler": "headers", "settings": settings}]), indent=2))
    done = harness.tincan("check", "--config", config)
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if message in line]
    assert len(lines) == 1, done.stderr
    number = int(lines[0].split(":")[1])
    key = place.replace("\\", "").split("[")[0].split(".")[-1]
    text = config.read_text().splitlines()[number - 1]
    assert f"{place}:".replace("\\", "") in lines[0]
    assert key in text or "Content-Length" in text
