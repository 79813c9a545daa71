# SPDX-License-Identifier: MIT
"""The echo handler: what a handler sees of a request, and so what the server gives it."""

import base64
import re

import pytest


def test_tells_the_request_line(client):
    echo = client.get("/echo/a%20b/../c?x=1&y=%20").json
    assert echo["method"] == "GET"
    assert echo["target"] == "/echo/a%20b/../c?x=1&y=%20"
    assert echo["path"] == "/echo/c"
    assert echo["query"] == "x=1&y=%20"
    assert echo["version"] == "1.1"


def test_fields_keep_order_and_repetitions(client):
    echo = client.get("/echo", "X-One: 1", "x-TWO:  2 ", "X-One: 3").json
    assert echo["headers"] == [
        ["host", "localhost"], ["x-one", "1"], ["x-two", "2"], ["x-one", "3"]]


def test_text_body_comes_back(client):
    body = client.request("POST", "/echo", body="grüße\x00\n\"".encode()).json["body"]
    assert body == {"size": 10, "encoding": "utf-8", "data": "grüße\x00\n\""}


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_binary_body_comes_back_in_base64(client, size):
    sent = bytes([0xff]) * size
    body = client.request("POST", "/echo", body=sent).json["body"]
    assert (body["size"], body["encoding"]) == (size, "base64")
    assert base64.b64decode(body["data"], validate=True) == sent


def test_body_up_to_the_limit_comes_back(client):
    sent = b"\xfe" * 1048576
    body = client.request("POST", "/echo", body=sent).json["body"]
    assert base64.b64decode(body["data"]) == sent


def test_no_body_is_an_empty_one(client):
    body = client.get("/echo").json["body"]
    assert body == {"size": 0, "encoding": "utf-8", "data": ""}


def test_chunked_body_and_trailer(client):
    client.start("POST", "/echo", "Transfer-Encoding: chunked", "Trailer: X-Sum")
    client.send("4\r\nWiki\r\n6;name=\"va;lue\"\r\npedia.\r\n0\r\nX-Sum: 42\r\n\r\n")
    echo = client.read_reply().json
    assert echo["body"]["data"] == "Wikipedia."
    assert echo["trailers"] == [["x-sum", "42"]]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_takes_every_method(client, method):
    assert client.request(method, "/echo").json["method"] == method


def test_tells_what_tls_agreed_on(client):
    tls = client.get("/echo").json["tls"]
    assert tls["version"] == client.sock.version()
    assert tls["cipher"] == client.sock.cipher()[0]
    assert tls["group"].lower() in ("x25519", "x25519mlkem768")  # by the client's OpenSSL
    assert tls["sni"] == "localhost"
    assert tls["resumed"] is False


def test_tells_the_client_and_itself(server, client):
    echo = client.get("/echo/deep/er").json
    address, port = client.sock.getsockname()
    assert echo["client"] == {"address": address, "port": str(port)}
    assert echo["server"] == {"port": str(server.port)}
    assert (echo["route"], echo["handler"]) == ("/echo/*", "echo")


def test_request_ids_differ(client):
    ids = {client.get("/echo").json["request_id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", one) for one in ids)


def test_browsers_and_caches_keep_their_hands_off(client):
    reply = client.get("/echo")
    assert reply.header("x-content-type-options") == "nosniff"
    assert reply.header("cache-control") == "no-store"


def test_what_is_not_utf8_stays_valid_json(client):
    client.send(b"GET /echo HTTP/1.1\r\nHost: localhost\r\nX-Bytes: a\xff\xc3b\r\n\r\n")
    assert ["x-bytes", "a\ufffd\ufffdb"] in client.read_reply().json["headers"]


def test_pipelined_requests_are_answered_in_order(client):
    client.send("".join(f"GET /echo?{i} HTTP/1.1\r\nHost: localhost\r\n\r\n"
                        for i in range(20)))
    assert [client.read_reply().json["query"] for _ in range(20)] == [
        str(i) for i in range(20)]


def test_continue_is_said_before_the_body_comes(client):
    client.start("POST", "/echo", "Content-Length: 2", "Expect: 100-continue")
    assert client.read_reply().status == 100
    client.send("hi")
    assert client.read_reply().json["body"]["data"] == "hi"


def test_http_1_0_gets_its_reply_and_the_end(server):
    with server.connect() as client:
        client.send("GET /echo HTTP/1.0\r\n\r\n")
        reply = client.read_reply()
        assert reply.json["version"] == "1.0"
        assert client.ended()
