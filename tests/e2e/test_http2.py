# SPDX-License-Identifier: MIT
"""HTTP/2: real clients, and requests and replies as handlers know them. What the frames
may be is in tests/http2."""

import json
import re
import subprocess

import hyperframe.frame
import pytest

import h2
import harness


@pytest.fixture
def client(either):
    with h2.connect(either) as connected:
        yield connected


def run(*arguments):
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=2 * harness.DEADLINE)
    text = done.stdout.decode(errors="replace")
    assert done.returncode == 0, text
    return text


def nghttp(server, *arguments, targets):
    return run("nghttp", "--no-verify-peer", *arguments,
               *(f"https://{server.host}:{server.port}{target}" for target in targets))


# Real clients


def test_curl_gets(either):
    said = either.curl("/hello/x", "--http2", "--write-out", "%{http_version}")
    assert said == b"Hello, x!\n2"


def test_curl_posts_a_megabyte(either, tmp_path):
    sent = "0123456789abcdef" * 65536
    (tmp_path / "body").write_text(sent)
    said = either.curl("/echo", "--http2", "--data-binary", f"@{tmp_path}/body")
    body = json.loads(said)["body"]
    assert body == {"size": 1 << 20, "encoding": "utf-8", "data": sent}


def test_curl_heads(either):
    said = either.curl("/hello/x", "--http2", "--head").decode()
    assert said.startswith("HTTP/2 200")
    assert "\r\ncontent-length: 10\r\n" in said


def test_curl_may_still_speak_http_1(either):
    assert either.curl("/hello/x", "--http1.1", "--write-out", "%{http_version}") == (
        b"Hello, x!\n1.1")


def test_nghttp_gets_many_at_once(either):
    said = nghttp(either, "-nv", targets=[f"/hello/{i}" for i in range(90)])
    assert len(re.findall(r"recv \(stream_id=\d+\) :status: 200", said)) == 90


def test_nghttp_uploads_with_a_trailer(either, tmp_path):
    (tmp_path / "body").write_text("body")
    said = nghttp(either, "--data", tmp_path / "body", "--trailer", "x-sum: 42",
                  targets=["/echo"])
    assert json.loads(said)["body"]["data"] == "body"
    assert json.loads(said)["trailers"] == [["x-sum", "42"]]


def test_nghttp_waits_for_continue(either, tmp_path):
    (tmp_path / "body").write_text("body")
    said = nghttp(either, "-v", "--expect-continue", "--data", tmp_path / "body",
                  targets=["/echo"])
    statuses = re.findall(r"recv \(stream_id=\d+\) :status: (\d+)", said)
    assert statuses == ["100", "200"]


@pytest.mark.parametrize("target", ["/hello/x", "/echo", "/files/digits.txt"])
def test_h2load_loses_nothing(either, target):
    count = 2000 if harness.SANITIZED else 20000
    said = run("h2load", f"-n{count}", "-c8", "-m32",
               f"https://{either.host}:{either.port}{target}")
    assert f"{count} succeeded, 0 failed, 0 errored, 0 timeout" in said
    assert f"status codes: {count} 2xx" in said


# Requests


def test_handler_is_told_the_version(client):
    echo = client.get("/echo").json
    assert (echo["version"], echo["tls"]["alpn"]) == ("2", "h2")


def test_handler_sees_fields_as_ever(client):
    target = "/echo/a%20b/../c?x=1&y=%20"
    echo = client.get(target, "x-one: 1", "x-two: 2", "x-one: 3").json
    assert echo["headers"] == [
        ["host", "localhost"], ["x-one", "1"], ["x-two", "2"], ["x-one", "3"]]
    assert (echo["method"], echo["target"]) == ("GET", target)
    assert (echo["path"], echo["query"]) == ("/echo/c", "x=1&y=%20")


def test_cookie_crumbs_are_joined(client):
    fields = dict(client.get("/echo", "cookie: a=1", "x-between: 1", "cookie: b=2; c=3",
                             "cookie: d=4").json["headers"])
    assert fields["cookie"] == "a=1; b=2; c=3; d=4"


def test_trailers_reach_the_handler(client):
    stream = client.start("POST", "/echo", end=False)
    client.data(stream, b"body")
    client.trailers(stream, "x-sum: 42", "x-more: 43")
    echo = client.reply(stream).json
    assert echo["body"]["data"] == "body"
    assert echo["trailers"] == [["x-sum", "42"], ["x-more", "43"]]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_takes_every_method(client, method):
    assert client.request(method, "/echo", body=b"x").json["method"] == method


def test_continue_is_said_before_the_body_comes(client):
    stream = client.start("POST", "/echo", "expect: 100-continue", end=False)
    assert client.wait_head(stream) == 100
    client.data(stream, b"hi", end=True)
    assert client.reply(stream).json["body"]["data"] == "hi"


def test_a_hundred_streams_at_once(client):
    streams = [client.start("GET", f"/hello/{i}") for i in range(100)]
    for i, stream in enumerate(streams):
        assert client.reply(stream).text == f"Hello, {i}!\n"


def test_slow_upload_does_not_hold_up_others(client):
    slow = client.start("POST", "/echo", end=False)
    client.data(slow, b"bo")
    for i in range(10):
        assert client.get(f"/hello/{i}").status == 200
    client.data(slow, b"dy", end=True)
    assert client.reply(slow).json["body"]["data"] == "body"


def test_cancelled_streams_make_room_for_others(client):
    client.change_settings({h2.Setting.INITIAL_WINDOW_SIZE: 0})
    for _ in range(2):
        streams = [client.start("GET", "/hello/x") for _ in range(100)]
        for stream in streams:
            assert client.wait_head(stream) == 200
            client.reset(stream)
    client.change_settings({h2.Setting.INITIAL_WINDOW_SIZE: h2.WINDOW})
    assert client.get("/hello/x").status == 200


# Replies


def test_head_has_the_length_and_no_body(client):
    reply = client.request("HEAD", "/hello/x")
    assert (reply.status, reply.header("content-length"), reply.body) == (200, "10", b"")
    assert not any(isinstance(x, hyperframe.frame.DataFrame) and x.data
                   for x in client.frames)


def test_204_ends_with_its_header(client):
    reply = client.get("/empty")
    assert (reply.status, reply.body, reply.header("content-length")) == (204, b"", None)


def test_304_ends_with_its_header(client):
    tag = client.get("/files/digits.txt").header("etag")
    reply = client.get("/files/digits.txt", f"if-none-match: {tag}")
    assert (reply.status, reply.body) == (304, b"")


def test_range_of_a_file(client):
    reply = client.get("/files/digits.txt", "range: bytes=5-9")
    assert (reply.status, reply.text) == (206, "56789")


def test_pieces_and_a_trailer(client):
    reply = client.get("/pieces", "te: trailers")
    assert reply.body == b"0123456789" * 100
    assert (reply.header("x-made-by"), reply.trailers) == ("sender", [("x-sum", "1000")])


def test_reply_has_no_fields_of_a_connection(client):
    for target in "/hello/x", "/pieces", "/files/digits.txt", "/nowhere":
        names = {name for name, _ in client.get(target).fields}
        assert not names & {"connection", "transfer-encoding", "keep-alive", "upgrade"}
        assert {"date"} < names and names == {name.lower() for name in names}


def test_long_header_of_a_reply(client):
    reply = client.get("/bulk/40000?head")
    assert sum(len(value) for name, value in reply.fields if name == "x-bulk") == 40000
    assert any(isinstance(x, hyperframe.frame.ContinuationFrame) for x in client.frames)


@pytest.mark.parametrize("target,status", [("/nowhere", 404), ("/hello/x", 405)])
def test_servers_own_replies(client, target, status):
    reply = client.request("DELETE", target)
    assert (reply.status, bool(reply.body)) == (status, True)


# Limits: the stream pays, the connection goes on


def test_body_past_the_limit_is_413(client):
    stream = client.start("POST", "/echo", f"content-length: {(16 << 20) + 1}", end=False)
    assert client.wait_head(stream) == 413
    assert client.get("/hello/x").status == 200


def test_body_past_the_limit_without_a_length_is_413(start_server):
    server = start_server(limits={"max_body_bytes": 1000})
    with h2.connect(server) as client:
        assert client.request("POST", "/echo", body=b"x" * 1000).status == 200
        assert client.request("POST", "/echo", body=b"x" * 1001).status == 413
        assert client.get("/hello/x").status == 200


def test_413_instead_of_continue(client):
    stream = client.start("POST", "/echo", "expect: 100-continue",
                          f"content-length: {(16 << 20) + 1}", end=False)
    assert client.wait_head(stream) == 413


def test_target_past_the_limit_is_414(client):
    assert client.get("/hello/" + "x" * 9000).status == 414
    assert client.get("/hello/x").status == 200


def send_in_parts(client, *fields, size=10000):
    """A request whose header comes in frames of that size; its stream."""
    block = h2.literals("GET", "/echo", *fields)
    stream = client.next_stream
    client.next_stream += 2
    parts = [block[i:i + size] for i in range(0, len(block), size)]
    for i, part in enumerate(parts):
        flags = h2.Flag.END_HEADERS if i == len(parts) - 1 else 0
        client.send(h2.frame(h2.Type.CONTINUATION, flags, stream, part) if i > 0 else
                    h2.frame(h2.Type.HEADERS, flags | h2.Flag.END_STREAM, stream, part))
    return stream


def test_header_up_to_the_limit_is_taken_in_parts(client):
    stream = send_in_parts(client, "x-long: " + "x" * 30000)
    assert ["x-long", "x" * 30000] in client.reply(stream).json["headers"]


def test_header_past_the_limit_is_431(client):
    stream = send_in_parts(client, *[f"x-{i}: " + "x" * 8000 for i in range(5)])
    assert client.reply(stream).status == 431
    assert client.get("/hello/x").status == 200


def test_too_many_fields_are_431(client):
    assert client.get("/hello/x", *[f"x-{i}: 1" for i in range(101)]).status == 431
    assert client.get("/hello/x").status == 200


def refused_streams(server):
    return server.get("/status").json["server"]["tincan_limits_met_total"]["max_streams"]


def test_streams_past_the_limit_are_refused(start_server):
    """Of a client that asks before it knows the limit, as they all do."""
    server = start_server(limits={"max_streams": 5})
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: 0}
    with h2.connect(server, settings, opens_windows=False, handshake=False) as client:
        client.send_preface()
        streams = [client.start("GET", "/hello/x") for _ in range(5)]
        others = [client.start("GET", "/hello/y") for _ in range(3)]
        for stream in others:
            assert client.wait_reset(stream) == h2.Code.REFUSED_STREAM
        assert client.server_settings[h2.Setting.MAX_CONCURRENT_STREAMS] == 5
        for stream in streams:
            client.update_window(stream, 100)
            assert client.reply(stream).text == "Hello, x!\n"
        assert refused_streams(server) == 3
        again = client.start("GET", "/hello/y")
        client.update_window(again, 100)
        assert client.reply(again).text == "Hello, y!\n"


def test_streams_past_the_limit_of_who_knows_it_end_the_connection(start_server):
    server = start_server(limits={"max_streams": 5})
    with h2.connect(server) as client:
        for _ in range(6):
            client.start("POST", "/echo", end=False)
        assert client.wait_goaway() == h2.Code.PROTOCOL_ERROR
        client.wait_end()
    assert refused_streams(server) == 1


# The log


def test_line_of_a_request(server):
    with h2.connect(server) as client:
        echo = client.request("POST", "/echo?h2-line", body=b"hello")
        address = "%s:%d" % client.sock.getsockname()
    line = server.wait_access("/echo?h2-line")
    assert (line["method"], line["status"], line["handler"]) == ("POST", 200, "echo")
    assert (line["bytes"], line["id"]) == (len(echo.body), echo.json["request_id"])
    assert line["client"] == address


def test_line_of_a_request_that_was_cancelled(server):
    settings = {h2.Setting.INITIAL_WINDOW_SIZE: 4}
    with h2.connect(server, settings, opens_windows=False) as client:
        stream = client.start("GET", "/hello/h2-cancelled")
        client.wait_body(stream, 4)
        client.reset(stream)
        assert server.wait_access("/hello/h2-cancelled")["bytes"] == 4
