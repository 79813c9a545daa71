# SPDX-License-Identifier: MIT
"""The PROXY protocol: who passes a connection on says whose it is, before TLS."""

import shutil
import socket
import ssl
import struct
import subprocess

import pytest

import harness

V2 = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n"


def v2(family, addresses, command=0x21, extra=b""):
    return V2 + struct.pack("!BBH", command, family, len(addresses + extra)) + \
        addresses + extra


def inet(client, server, client_port, server_port):
    family = socket.AF_INET6 if ":" in client else socket.AF_INET
    return v2(0x21 if ":" in client else 0x11,
              socket.inet_pton(family, client) + socket.inet_pton(family, server) +
              struct.pack("!HH", client_port, server_port))


@pytest.fixture(scope="module")
def server(tmp_path_factory, make_config, certificates):
    """Its first listener takes the word of 127.0.0.1, its second that of others only."""
    running = harness.Server(
        tmp_path_factory.mktemp("proxied"),
        make_config(listeners=[
            {"address": "127.0.0.1:0",
             "proxy_protocol": {"from": ["192.0.2.0/24", "127.0.0.1", "::1"]}},
            {"address": "127.0.0.1:0", "proxy_protocol": {"from": ["10.0.0.0/8"]}}]),
        certificates)
    running.wait_log("serving with")
    yield running
    running.stop()


def begin(server, header):
    """A TLS client behind that header."""
    sock = server.tcp()
    sock.sendall(header)
    return harness.Client(server.context().wrap_socket(sock, server_hostname="localhost"))


def seen(client):
    """How the handler sees the client, and which port it sees as its own."""
    reply = client.get("/echo").json
    return reply["client"]["address"], reply["client"]["port"], reply["server"]["port"]


def metric(server, name):
    with begin(server, V1) as client:
        text = client.get("/status", "Accept: text/plain").text
    return sum(float(line.split()[-1]) for line in text.splitlines()
               if line.startswith(name))


@pytest.mark.parametrize("header, expected", [
    (V1, ("192.0.2.7", "4711", "443")),
    (b"PROXY TCP6 2001:db8::7 ::1 4711 443\r\n", ("2001:db8::7", "4711", "443")),
    (inet("192.0.2.7", "198.51.100.1", 4711, 443), ("192.0.2.7", "4711", "443")),
    (inet("2001:db8::7", "::1", 1, 65535), ("2001:db8::7", "1", "65535")),
    (v2(0x11, bytes(12), extra=b"\x20" + bytes(65522)), ("0.0.0.0", None, None)),
    (v2(0x31, bytes(216)), ("unix:", None, None)),
], ids=["v1-tcp4", "v1-tcp6", "v2-tcp4", "v2-tcp6", "v2-longest", "v2-unix"])
def test_the_client_is_whom_the_proxy_says(server, header, expected):
    with begin(server, header) as client:
        assert seen(client) == expected


@pytest.mark.parametrize("header", [
    b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ::1 ::1 1 2\r\n", v2(0, b"", 0x20),
    v2(0x11, bytes(12), 0x20), v2(0, b"")],
    ids=["v1-unknown", "v1-words", "v2-local", "v2-local-inet", "v2-unspec"])
def test_without_another_client_it_is_the_proxy(server, header):
    with begin(server, header) as client:
        own = client.sock.getsockname()
        assert seen(client) == (own[0], str(own[1]), str(server.port))


def test_a_header_may_come_byte_by_byte(server):
    with server.tcp() as sock:
        for byte in inet("192.0.2.7", "198.51.100.1", 4711, 443):
            sock.sendall(bytes([byte]))
        context = server.context()
        with harness.Client(context.wrap_socket(sock, server_hostname="localhost")) as c:
            assert seen(c)[0] == "192.0.2.7"


def test_header_and_client_hello_may_come_at_once(server):
    """As one segment: what a proxy sends that has waited for the client's first bytes."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = server.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    with server.tcp() as sock:
        sock.sendall(V1 + outgoing.read())
        sock.settimeout(harness.DEADLINE)
        assert sock.recv(1) == b"\x16"  # its ServerHello


@pytest.mark.parametrize("bytes_sent", [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n", b"PROXY TCP4 " + b"1" * 200,
    v2(0x11, bytes(11)), v2(0x12, bytes(12)), v2(0x11, bytes(12), 0x22),
    v2(0x11, bytes(12), 0x31)],
    ids=["http", "tls", "v1-short", "v1-long", "v2-short", "v2-udp", "v2-command",
         "v2-version"])
def test_what_is_no_header_is_closed_and_counted(server, bytes_sent):
    before = metric(server, "tincan_proxy_refused_total")
    with server.tcp() as sock:
        sock.sendall(bytes_sent)
        assert harness.Client(sock).ended()
    assert metric(server, "tincan_proxy_refused_total") == before + 1
    server.wait_log(r"connection from 127\.0\.0\.1:\d+ refused: it does not begin with "
                    "a PROXY header")


def test_others_than_those_listed_are_refused(server):
    port = int(harness.LISTENING.findall(server.log)[1][1])
    with socket.create_connection(("127.0.0.1", port), harness.DEADLINE) as sock:
        assert harness.Client(sock).ended()


def test_a_header_must_come_in_time(start_server):
    server = start_server(timeouts={"handshake_ms": 200}, listeners=[
        {"address": "127.0.0.1:0", "proxy_protocol": {"from": ["127.0.0.0/8"]}}])
    with server.tcp() as sock:
        sock.sendall(V1[:20])
        assert harness.Client(sock).ended()


def test_a_check_that_only_connects_is_no_offence(server):
    before = metric(server, "tincan_proxy_refused_total")
    with server.tcp() as sock:
        sock.sendall(v2(0, b"", 0x20))
        sock.shutdown(socket.SHUT_WR)
        harness.Client(sock).read_to_end()
    assert metric(server, "tincan_proxy_refused_total") == before


def test_the_access_log_has_the_client(server):
    with begin(server, inet("192.0.2.99", "198.51.100.1", 999, 443)) as client:
        client.get("/hello/proxied")
    assert server.wait_access("/hello/proxied")["client"] == "192.0.2.99:999"


def test_plain_text_behind_a_header_is_told_so(server):
    with harness.Client(server.tcp()) as client:
        client.send(V1 + b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert "this port speaks TLS" in client.read_reply().text


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_sends_one(server, version):
    if "haproxy-clienti" in subprocess.run(
            ["curl", "--help", "all"], stdout=subprocess.PIPE, text=True,
            check=True).stdout:
        text = server.curl("/echo", version, "--haproxy-clientip", "203.0.113.5")
        assert b'"address":"203.0.113.5"' in text
    else:
        assert b'"address":"127.0.0.1"' in server.curl("/echo", version,
                                                       "--haproxy-protocol")
