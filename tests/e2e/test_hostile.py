# SPDX-License-Identifier: MIT
"""Hostile clients, from the first byte of TCP to a WebSocket, at the limits as they come.
Each attacks the one worker of a server that a client beside it goes on asking, on one
connection and on new ones: it is answered in time, and memory does not grow.

What is wrong in a single message has its case elsewhere: tests/http1, tests/http2,
tests/ws; what is wrong in HTTP/2 as an amount in test_http2_abuse.py."""

import contextlib
import ctypes
import os
import socket
import ssl
import struct

import pytest

import h2
import harness
import neighbour
import ws

ENDS = (*h2.ENDS, ssl.SSLError)
STREAM = "tincan-hostile"  # the ALPN name of a raw stream
RESET = struct.pack("ii", 1, 0)  # of SO_LINGER: what close does then


@pytest.fixture(scope="module")
def target(tmp_path_factory, make_config, certificates):
    folder = tmp_path_factory.mktemp("target")
    with open(folder / "big.bin", "wb") as file:
        file.truncate(64 << 20)
    config = make_config(workers=1, alpn={STREAM: "echo"})
    config["routes"].append(
        {"path": "/files/*", "handler": "files", "settings": {"root": str(folder)}})
    server = harness.Server(folder, config, certificates)
    yield server
    server.stop()


# What an attacker holds on to: from another address than the neighbour's.


def tcp(server):
    sock = socket.create_connection((server.host, server.port), harness.DEADLINE,
                                    source_address=("127.0.0.2", 0))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def tls(server, version=None, alpn=None):
    context = server.context()
    if version:
        context.maximum_version = version
    if alpn:
        context.set_alpn_protocols([alpn])
    return harness.Client(context.wrap_socket(tcp(server), server_hostname="localhost"))


def hello():
    """The bytes of a ClientHello, in one record."""
    outgoing = ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), outgoing,
                                                   server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


HELLO = hello()


def record(kind, data):
    return struct.pack(">BHH", kind, 0x0301, len(data)) + data


def say(server, data):
    """What comes back for these bytes, or as many as are taken, until the end."""
    said = b""
    with tcp(server) as sock:
        with contextlib.suppress(*ENDS):
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while more := sock.recv(65536):
                said += more
    return said


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()


# Before there is a connection of TLS


def crowd(server, data, count=200):
    """Connections that say this and no more, all open at once."""
    with contextlib.ExitStack() as socks:
        for _ in range(count):
            sock = socks.enter_context(tcp(server))
            with contextlib.suppress(*ENDS):
                sock.sendall(data)
        assert server.get("/hello/x").status == 200


def secure_crowd(data, alpn=None, count=100):
    """The same in TLS."""
    def attack(server):
        with contextlib.ExitStack() as clients:
            for _ in range(count):
                client = clients.enter_context(tls(server, alpn=alpn))
                client.send(data)
            assert server.get("/hello/x").status == 200
    return attack


def garbage(server):
    for _ in range(100):
        said = say(server, b"\xff" + os.urandom(300))
        assert said == b"" or said[0] == 0x15, said


def plain(server):
    for _ in range(100):
        assert say(server, b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def hello_in_records_of_a_byte(server):
    for _ in range(5):
        assert say(server, b"".join(record(22, HELLO[i:i + 1])
                                    for i in range(5, len(HELLO))))[0] in (0x15, 0x16)


def hellos_in_records_of_a_byte(server):
    """The longest that are read, from many at once; none of them is ever whole."""
    parts = b"\1\1\xff\xff\3\3" + bytes(100000)
    crowd(server, b"".join(record(22, parts[i:i + 1]) for i in range(len(parts))), 10)


def tiny_records(server):
    """As many of a byte as a socket holds: a body, in one go."""
    with tls(server) as client, contextlib.suppress(*ENDS):
        client.send("POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                    "Content-Length: 100000\r\n\r\n")
        for _ in range(100000):
            client.sock.send(b"x")
        assert client.read_reply().status == 200


def hello_without_end(server):
    """It says that it has 16 MB, the most that a length can say, and keeps coming."""
    say(server, record(22, b"\1\xff\xff\xff\3\3") + record(22, bytes(16384)) * 500)


def records(kind, data):
    """A flood of records that ask for nothing, before and behind the hello."""
    def attack(server):
        for first in b"", HELLO:
            said = say(server, first + record(kind, data) * 100000)
            assert first or said == b"" or said[0] == 0x15, said
    return attack


# In TLS


LIBSSL = ctypes.CDLL("libssl.so.3")


def engine(client):
    """OpenSSL's object behind a client: in CPython the fourth word of its socket."""
    return ctypes.c_void_p.from_address(id(client.sock._sslobj) + 24)


def key_updates(server):
    """Each asks the server for one of its own, which nobody reads."""
    with tls(server) as client, contextlib.suppress(*ENDS, TimeoutError):
        client.get("/hello/x")
        client.sock.settimeout(2)
        for _ in range(20000):
            assert LIBSSL.SSL_key_update(engine(client), 1) == 1
            client.send("\r\n")


def key_updates_alone(server):
    """Nothing but new keys, as fast as the client can make them: each costs it more than
    the server (40000 of them 0.48 s of CPU against 0.37 s), so that others have their
    turns is all that there is to see to."""
    with tls(server) as client, contextlib.suppress(*ENDS, TimeoutError):
        client.get("/hello/x")
        client.sock.settimeout(2)
        for _ in range(40000):
            assert LIBSSL.SSL_key_update(engine(client), 0) == 1
            assert LIBSSL.SSL_do_handshake(engine(client)) == 1
        assert client.get("/hello/x").status == 200


def renegotiations(server):
    for _ in range(20):
        with tls(server, ssl.TLSVersion.TLSv1_2) as client, \
                contextlib.suppress(*ENDS, TimeoutError):
            client.sock.settimeout(2)
            for _ in range(20):
                LIBSSL.SSL_renegotiate(engine(client))
                client.sock.do_handshake()
                client.get("/hello/x")


def handshakes(server):
    for _ in range(100):
        tls(server).close()


# Resets at each stage


def at_hello(server):
    sock = tcp(server)
    sock.sendall(HELLO)
    reset(sock)


def at_its_answer(server):
    sock = tcp(server)
    sock.sendall(HELLO)
    sock.recv(1)
    reset(sock)


def behind(data, awaited=0):
    """In TLS, behind what is sent, and so many bytes of the answer."""
    def at_that(server):
        client = tls(server)
        client.send(data)
        client.read(awaited)
        reset(client.sock)
    return at_that


STAGES = [
    lambda server: reset(tcp(server)), at_hello, at_its_answer, behind(""),
    behind("GET /hello/x HT"), behind("GET /hello/x HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    behind("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nx"),
    behind("GET /files/big.bin HTTP/1.1\r\nHost: localhost\r\n\r\n", 100000),
    behind("\r\n".join(["GET /echo HTTP/1.1", "Host: localhost", *ws.lines(), "", ""]),
           12), behind(h2.PREFACE), behind(h2.PREFACE[:9])]


def resets(server):
    for _ in range(10):
        for stage in STAGES:
            stage(server)


# In HTTP and in WebSockets: what has no end


GET = "GET / HTTP/1.1\r\nHost: localhost\r\n"
POST = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"


def endless(head, piece, statuses):
    """A request that goes on and on: at some point it is answered, or cut."""
    def attack(server):
        with tls(server) as client:
            with contextlib.suppress(*ENDS):
                client.send(head)
                for _ in range(2000):
                    client.send(piece)
            with contextlib.suppress(*ENDS):
                assert client.read_reply().status in statuses
    return attack


def requests_unread(server):
    """Requests one behind the other, of one who does not read the replies."""
    with tls(server) as client:
        client.sock.settimeout(0.5)
        with contextlib.suppress(*ENDS, TimeoutError):
            for _ in range(2000):
                client.send("GET /hello/x HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)


def byte_by_byte(server):
    """Slow, but no enemy: it is served."""
    request = (POST + "5\r\nhello\r\n0\r\n\r\n").encode()
    clients = [tls(server) for _ in range(10)]
    for byte in request:
        for client in clients:
            client.send(bytes([byte]))
    for client in clients:
        assert "hello" in client.read_reply().text
        client.close()


def flood(client, data):
    """That, over and over, of one who does not read what comes back."""
    client.sock.settimeout(0.5)
    with contextlib.suppress(*ENDS, TimeoutError):
        for _ in range(2000):
            client.send(data)


def websocket(*frames, fields=()):
    def attack(server):
        with contextlib.closing(tls(server)) as client:
            socket = ws.open_h1(server, "/echo", *fields, client=client)
            flood(client, b"".join(frames))
            socket.drop()
    return attack


def stream_unread(server):
    with contextlib.closing(tls(server, alpn=STREAM)) as client:
        flood(client, b"x" * 65536)


# The same over HTTP/2


def send_as_allowed(connection, stream, data):
    """False if the server takes no more of it: its window stays shut, or the stream is
    over."""
    while data and not (connection.ended or connection.stream(stream).over):
        room = min(connection.left(stream), 16384)
        if room > 0:
            connection.spend(stream, len(data[:room]))
            connection.data(stream, data[:room])
            data = data[room:]
        elif not connection.receive(0.5):
            return False
    return not data


def talk(server, **how):
    """A connection of HTTP/2, by an attacker."""
    return h2.Connection(tls(server, alpn="h2"), **how).handshake()


def websocket_h2(*frames, fields=()):
    def attack(server):
        with talk(server, opens_windows=False) as connection:
            socket = ws.open_h2(server, "/echo", *fields, connection=connection)
            for _ in range(2000):
                if not send_as_allowed(connection, socket.carrier.stream,
                                       b"".join(frames)):
                    break
    return attack


def endless_data(server):
    with talk(server) as connection:
        stream = connection.start("POST", "/echo", end=False)
        going = True
        while going:
            going = send_as_allowed(connection, stream, b"x" * 8000)
        assert connection.reply(stream).status == 413


def data_byte_by_byte(server):
    """A million frames, if the server takes them."""
    with talk(server) as connection:
        stream = connection.start("POST", "/echo", end=False)
        piece = h2.frame(h2.Type.DATA, 0, stream, b"x") * 10000
        for _ in range(100):
            connection.room(stream, 10000)
            connection.spend(stream, 10000)
            connection.send(piece)
        connection.round_trip()


# Requests that make much of little


def ranges(server):
    """A file, by a thousand ranges that overlap."""
    asked = "Range: bytes=" + ",".join(f"{i}-" for i in range(1000))
    crowd = secure_crowd("\r\n".join(["GET /files/big.bin HTTP/1.1", "Host: localhost",
                                      asked, "", ""]), count=20)
    crowd(server)


BOMB = ws.frame(ws.Op.BINARY, ws.pack(bytes(1 << 20)), rsv=4)  # of just what is taken
DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate"
MESSAGES = {
    "endless message": ([ws.frame(ws.Op.TEXT, b"x" * 8000, fin=False)], []),
    "empty fragments": ([ws.frame(ws.Op.TEXT, fin=False),
                         ws.frame(ws.Op.CONTINUATION, fin=False) * 1000], []),
    "pings": ([ws.frame(ws.Op.PING, b"x" * 125) * 100], []),
    "messages unread": ([ws.frame(ws.Op.TEXT, b"x" * 8000)], []),
    "bombs": ([BOMB * 50], [DEFLATE]),
}


ATTACKS = {
    "silence": lambda server: crowd(server, b""),
    "half a hello": lambda server: crowd(server, HELLO[:100]),
    "hello alone": lambda server: crowd(server, HELLO),
    "garbage": garbage,
    "plain": plain,
    "hello in records of a byte": hello_in_records_of_a_byte,
    "hellos in records of a byte": hellos_in_records_of_a_byte,
    "hello without end": hello_without_end,
    "tiny records": tiny_records,
    "empty records": records(22, b""),
    "change cipher spec": records(20, b"\1"),
    "alerts": records(21, b"\1\x5a"),
    "handshakes": handshakes,
    "key updates": key_updates,
    "key updates alone": key_updates_alone,
    "renegotiations": renegotiations,
    "resets": resets,
    "endless field": endless(GET + "x: ", "x" * 8000, [431]),
    "endless fields": endless(GET, "x: y\r\n" * 1000, [431]),
    "endless target": endless("GET /", "x" * 8000, [414]),
    "empty lines": endless("", "\r\n" * 4000, [400]),
    "endless chunks": endless(POST, "1f40\r\n" + "x" * 8000 + "\r\n", [413]),
    "chunks of a byte": endless(POST, "1\r\nx\r\n" * 1000, [413]),
    "endless extension": endless(POST + "1;", "x" * 8000, [400]),
    "endless trailers": endless(POST + "0\r\n", "x: y\r\n" * 1000, [400, 431]),
    "requests unread": requests_unread,
    "byte by byte": byte_by_byte,
    "half a request": secure_crowd(GET),
    "half a body": secure_crowd(GET + "Content-Length: 1000000\r\n\r\n" + "x" * 5000),
    "half a header, HTTP/2": secure_crowd(
        h2.PREFACE + h2.frame(h2.Type.SETTINGS) + h2.frame(
            h2.Type.HEADERS, 0, 1, h2.literals("GET", "/hello/x")), alpn="h2"),
    "replies unread": secure_crowd("GET /files/big.bin HTTP/1.1\r\nHost: a\r\n\r\n"),
    "ranges": ranges,
    "stream unread": stream_unread,
    "endless data, HTTP/2": endless_data,
    "data byte by byte, HTTP/2": data_byte_by_byte,
    **{name: websocket(*frames, fields=fields)
       for name, (frames, fields) in MESSAGES.items()},
    **{f"{name}, HTTP/2": websocket_h2(*frames, fields=fields)
       for name, (frames, fields) in MESSAGES.items()},
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack(target, name):
    workers = target.workers
    hosts = target.hosts("echo")
    with neighbour.Neighbour(target):
        ATTACKS[name](target)
    assert (target.workers, target.hosts("echo")) == (workers, hosts)
