# SPDX-License-Identifier: MIT
"""Listeners without TLS: whatever is asked there, the answer is where to ask instead."""

import json
import re
import socket
import subprocess

import pytest

import harness

CHALLENGES = "/.well-known/acme-challenge/"
PLAIN = re.compile(r"listening on http://(\S+):(\d+)")


@pytest.fixture(scope="module")
def server(tmp_path_factory, make_config, certificates):
    """A listener for each redirect there is, beside one that speaks HTTPS."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "challenges").mkdir()
    (folder / "challenges/a-Token_1").write_text("a-Token_1.print")
    running = harness.Server(
        folder,
        make_config(listeners=[
            {"address": "127.0.0.1:0", "tls": False, "redirect": "https"},
            {"address": "127.0.0.1:0"},
            {"address": "127.0.0.1:0", "tls": False, "redirect": "https:443"},
            {"address": "127.0.0.1:0", "tls": False, "redirect": "https",
             "proxy_protocol": {"from": ["127.0.0.1"]}},
            {"address": "127.0.0.1:0", "tls": False, "redirect": "https",
             "acme_challenge": True}],
            routes=make_config()["routes"] + [
                {"path": CHALLENGES + "*", "handler": "files",
                 "settings": {"root": "challenges"}}],
            tls={"client_auth": "any"}, limits={"max_body_bytes": 100}), certificates)
    running.wait_log("serving with")
    running.plain = [int(port) for _, port in PLAIN.findall(running.log)]
    yield running
    running.stop()


def connect(server, index=0):
    return harness.Client(socket.create_connection(
        ("127.0.0.1", server.plain[index]), harness.DEADLINE))


def ask(server, text, index=0):
    with connect(server, index) as client:
        client.send(text)
        return client.read_reply(text.split()[0])


def request(host, target="/a/b?c=d", method="GET", version="1.1"):
    return f"{method} {target} HTTP/{version}\r\n" + \
        (f"Host: {host}\r\n" if host is not None else "") + "\r\n"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE", "BREW"])
def test_every_method_is_sent_to_https(server, method):
    reply = ask(server, request("example.org", method=method))
    assert reply.status == 308
    assert reply.header("location") == f"https://example.org:{server.port}/a/b?c=d"


@pytest.mark.parametrize("host, target, expected", [
    ("example.org:8080", "/", "https://example.org/"),
    ("EXAMPLE.org.", "/y/%2e%2E/x?", "https://EXAMPLE.org./y/%2e%2E/x"),
    ("[::1]", "/", "https://[::1]/"),
    ("[::1]:80", "/", "https://[::1]/"),
    ("192.0.2.1:80", "//evil.org/x", "https://192.0.2.1//evil.org/x"),
    ("a", "/?next=http://b/&x=%0d%0ay", "https://a/?next=http://b/&x=%0d%0ay"),
    ("a", "http://b.org:81/x?y", "https://b.org/x?y"),
    ("a", "http://b.org", "https://b.org/"),
])
def test_the_same_resource_is_named(server, host, target, expected):
    reply = ask(server, request(host, target), 1)
    assert (reply.status, reply.header("location")) == (308, expected)


@pytest.mark.parametrize("text", [
    request(None), request(None, version="1.0"), request(""), request("a b"),
    request("a/b"), request("user@a"), request("a\r\nHost: b"), request("a%zz"),
    request("a", "*", "OPTIONS"), request("a:1", "a:1", "CONNECT"),
    request("a", "/\x01"), request(":80"), request("a", "/../.."),
    "\x16\x03\x01\x02\0\x01\n",
])
def test_what_cannot_be_named_is_400(server, text):
    reply = ask(server, text)
    assert reply.status == 400
    assert reply.header("location") is None


@pytest.mark.parametrize("method, body", [("GET", "a-Token_1.print"), ("HEAD", "")])
def test_acme_gets_its_challenge(server, method, body):
    with connect(server, 3) as client:
        client.send(request("a", CHALLENGES + "a-Token_1", method) + request("a"))
        reply = client.read_reply(method)
        assert (reply.status, reply.text) == (200, body)
        assert client.read_reply().status == 308
    assert ask(server, request("a", CHALLENGES + "none"), 3).status == 404


@pytest.mark.parametrize("target", [
    "", "a.b", "a/b", "../challenges/a-Token_1", "a-Token_1?x", "a-Token_%31"])
def test_nothing_else_is_answered_in_the_clear(server, target):
    assert ask(server, request("a", CHALLENGES + target), 3).status == 308


def test_challenges_are_excepted_where_the_listener_says_so(server):
    target = CHALLENGES + "a-Token_1"
    assert ask(server, request("a", target, "POST"), 3).status == 308
    assert ask(server, request("a", target.upper()), 3).status == 308
    assert ask(server, request("a", target)).status == 308


def test_a_connection_serves_one_request_after_the_other(server):
    with connect(server) as client:
        client.send(request("a") + request("b", method="HEAD") + request("c"))
        hosts = [client.read_reply(method).header("location")[8:9]
                 for method in ("GET", "HEAD", "GET")]
        assert hosts == ["a", "b", "c"]


def test_bodies_are_not_waited_for(server):
    with connect(server) as client:
        client.start("POST", "/", "Content-Length: 1000000")
        reply = client.read_reply()
        assert (reply.status, reply.header("connection")) == (308, "close")
        assert client.ended()


def test_who_expects_to_be_invited_is_redirected(server):
    with connect(server) as client:
        client.start("PUT", "/", "Content-Length: 10", "Expect: 100-continue")
        assert client.read_reply().status == 308
        assert client.ended()


def test_websockets_are_sent_to_https_too(server):
    with connect(server) as client:
        client.start("GET", "/", "Connection: Upgrade", "Upgrade: websocket",
                     "Sec-WebSocket-Version: 13",
                     "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==")
        assert client.read_reply().status == 308


def test_http2_without_tls_is_not_spoken(server):
    with connect(server) as client:
        client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert client.read_reply().status in (400, 501, 505)


def test_a_proxy_may_stand_in_front(server):
    text = ask(server, "PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n" +
               request("a", "/proxied-plain"), 2)
    assert text.status == 308
    line = server.wait_access("/proxied-plain")
    assert (line["client"], line["tls"], line["status"]) == ("192.0.2.7:4711", "-", 308)


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_follows(server, version):
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--noproxy", "*", "--location", version,
         "--cacert", server.certificates / "ca.crt", "--data", "b=c",
         f"http://localhost:{server.plain[0]}/echo/x"],
        stdout=subprocess.PIPE, timeout=harness.DEADLINE, check=True, text=True)
    assert '"method":"POST"' in done.stdout and '"b=c"' in done.stdout


def test_slow_clients_have_header_ms(start_server):
    server = start_server(timeouts={"header_ms": 200, "idle_ms": 200}, listeners=[
        {"address": "127.0.0.1:0"},
        {"address": "127.0.0.1:0", "tls": False, "redirect": "https"}])
    server.wait_log("serving with")
    server.plain = [int(PLAIN.search(server.log).group(2))]
    with connect(server) as client:
        client.send("GET / HTTP/1.1\r\nHost:")
        assert client.read_reply().status == 408
        assert client.ended()
    with connect(server) as client:
        assert client.ended()


def test_a_reload_changes_what_a_port_speaks(start_server):
    """Connections that are open go on as they began."""
    plain = {"tls": False, "redirect": "https:443"}
    server = start_server(listeners=[{"address": "127.0.0.1:0"},
                                     {"address": "127.0.0.2:0"}])

    def change(**keys):
        config = json.loads(server.config.read_text())
        config["listeners"][0] = {"address": "127.0.0.1:0", **keys}
        server.config.write_text(json.dumps(config))
        done = harness.tincan("reload", "--config", server.config, folder=server.folder)
        assert done.returncode == 0, done.stderr

    server.plain = [server.port]
    with server.connect() as kept:
        change(**plain)
        with connect(server) as client:
            for target in ("/x", "/y"):
                client.send(request("a", target))
                assert client.read_reply().header("location") == "https://a" + target
            change(proxy_protocol={"from": ["127.0.0.1"]})
            client.send(request("a", "/z"))
            assert client.read_reply().status == 308
        assert kept.get("/hello/you").status == 200
    with server.tcp() as sock:
        sock.sendall(b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n")
        with harness.Client(server.context().wrap_socket(
                sock, server_hostname="localhost")) as client:
            assert client.get("/echo").json["client"]["address"] == "192.0.2.7"
