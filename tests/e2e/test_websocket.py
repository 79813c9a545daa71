# SPDX-License-Identifier: MIT
"""WebSockets, over HTTP/1.1 and over HTTP/2 (RFC 8441), to handlers in hosts and in
workers: how they begin, what goes through, how they end."""

import contextlib

import pytest

import h2
import harness
import ws

PUPPET = harness.BUILD / "tests/plugins/puppet.so"
LISTED = "https://pages.example:8443"
SAME = "https://localhost"
FOREIGN = "https://elsewhere.example"
DEFLATE = f"Sec-WebSocket-Extensions: {ws.DEFLATE}"
MAX_MESSAGE = 65536  # of the puppet


@pytest.fixture(scope="module", params=["host", "worker"])
def server(tmp_path_factory, certificates, make_config, request):
    """Whose handlers run there."""
    plugins = tmp_path_factory.mktemp("plugins")
    for source in [PUPPET, harness.PLUGINS / "echo.so", harness.PLUGINS / "hello.so"]:
        (plugins / source.name).write_bytes(source.read_bytes())
    isolation = {"isolation": request.param}
    running = harness.Server(tmp_path_factory.mktemp("server"), make_config(
        plugins={"directory": str(plugins), "serve_unrouted": False},
        handlers={"echo": isolation,
                  "puppet": {**isolation, "max_message_bytes": MAX_MESSAGE}},
        routes=[{"path": "/echo", "handler": "echo"},
                {"path": "/hello/{name}", "handler": "hello"},
                {"path": "/listed", "handler": "echo", "origins": [LISTED]},
                {"path": "/all", "handler": "echo", "origins": ["*"]},
                {"path": "/posts", "handler": "echo", "methods": ["POST"]},
                {"path": "/*", "handler": "puppet"}],
        limits={"max_streams": 200}, workers=1), certificates)
    running.isolation = request.param
    yield running
    running.stop()


@pytest.fixture(params=["h1", "h2"])
def connect(server, request):
    """Opens a WebSocket over that protocol."""
    def connect(target, *fields, **options):
        return ws.OPEN[request.param](server, target, *fields, **options)

    connect.protocol = request.param
    return connect


def refused(connect, target, *fields):
    with pytest.raises(ws.Refused) as caught:
        connect(target, *fields)
    return caught.value.reply


# The handshake


def test_key_of_the_rfc_has_its_answer(server):
    with server.connect() as client:
        reply = client.get("/echo", *ws.lines(key="dGhlIHNhbXBsZSBub25jZQ=="))
    assert (reply.status, reply.reason) == (101, "Switching Protocols")
    assert reply.header("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert reply.header("content-length") is None
    assert reply.header("transfer-encoding") is None


@pytest.mark.parametrize("fields", [
    [], ["Sec-WebSocket-Key: "], ["Sec-WebSocket-Key: c2hvcnQ="],
    ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"],
    ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: " + "A" * 22 +
     "=="]], ids=["none", "empty", "short", "unpadded", "two"])
def test_no_or_no_valid_key_is_a_bad_request(server, fields):
    with server.connect() as client:
        reply = client.get("/echo", "Upgrade: websocket", "Connection: Upgrade",
                           ws.VERSION, *fields)
        assert reply.status == 400
        assert client.get("/hello/you").status == 200


def test_upgrade_that_connection_does_not_name_is_a_bad_request(server):
    fields = [x for x in ws.lines() if not x.startswith("Connection")]
    assert server.get("/echo", *fields).status == 400


@pytest.mark.parametrize("version", ["", "Sec-WebSocket-Version: 8",
                                     "Sec-WebSocket-Version: 13, 8"])
def test_other_versions_are_told_ours(server, version):
    fields = [x for x in ws.lines() if x != ws.VERSION]
    reply = server.get("/echo", *fields, *([version] if version else []))
    assert (reply.status, reply.header("sec-websocket-version")) == (426, "13")
    with h2.connect(server) as connection:
        reply = connection.reply(ws.start_h2(connection, "/echo", version=version))
    assert (reply.status, reply.header("sec-websocket-version")) == (426, "13")


def test_upgrade_at_a_path_without_websockets_is_a_request_like_any_other(server):
    assert server.get("/hello/you", *ws.lines()).text == "Hello, you!\n"


def test_connect_at_a_path_without_websockets_is_a_bad_request(server):
    with h2.connect(server) as connection:
        assert connection.reply(ws.start_h2(connection, "/hello/you")).status == 400
        assert connection.get("/hello/you").status == 200


def test_connect_of_another_protocol_is_not_implemented(server):
    with h2.connect(server) as connection:  # RFC 9220 3
        stream = ws.start_h2(connection, "/echo", protocol="connect-udp")
        assert connection.reply(stream).status == 501


def test_path_that_only_has_websockets_says_so(server):
    reply = server.get("/any")
    assert (reply.status, reply.header("upgrade")) == (426, "websocket")
    assert reply.header("connection").lower() == "upgrade"
    with h2.connect(server) as connection:
        reply = connection.get("/any")
    assert (reply.status, reply.header("upgrade")) == (426, None)


def test_http_1_0_has_no_upgrade(server):
    with server.connect() as client:
        client.send("GET /echo HTTP/1.0\r\nHost: localhost\r\n" +
                    "".join(line + "\r\n" for line in ws.lines()) + "\r\n")
        reply = client.read_reply()
    assert (reply.status, reply.json["version"]) == (200, "1.0")


def test_upgrade_with_a_body_is_a_bad_request(server):
    with server.connect() as client:
        assert client.request("GET", "/echo", *ws.lines(), body=b"x").status == 400
        assert client.get("/hello/you").status == 200


def test_method_of_an_upgrade_is_get(server):
    assert server.request("POST", "/echo", *ws.lines(), body=b"").status == 400


def test_path_that_does_not_take_get_has_no_websockets(connect):
    assert refused(connect, "/posts").status == 405


def test_path_that_is_not_there_has_no_websockets(start_server):
    server = start_server()
    assert refused(lambda *x: ws.open_h1(server, *x), "/nothing").status == 404
    assert refused(lambda *x: ws.open_h2(server, *x), "/nothing").status == 404


def test_first_frames_may_come_with_the_request(server):
    with server.connect() as client:
        lines = "".join(line + "\r\n" for line in ("Host: localhost", *ws.lines()))
        client.send(f"GET /echo HTTP/1.1\r\n{lines}\r\n".encode() +
                    ws.frame(ws.Op.TEXT, b"early"))
        socket = ws.WebSocket(ws.H1(client), client.read_head())
        assert socket.read_text() == "early"
    with h2.connect(server) as connection:
        stream = ws.start_h2(connection, "/echo")
        connection.data(stream, ws.frame(ws.Op.TEXT, b"early"))
        assert connection.wait_head(stream) == 200
        socket = ws.WebSocket(ws.H2(connection, stream, False),
                              connection.stream(stream).reply())
        assert socket.read_text() == "early"


def test_handler_refuses_by_status(connect):
    reply = refused(connect, "/refuse")
    assert (reply.status, reply.header("x-why")) == (403, "because")


def test_handler_refuses_in_its_own_words(connect):
    reply = refused(connect, "/own")
    assert (reply.status, reply.text) == (401, "not you\n")
    assert reply.header("www-authenticate") == "Basic"


@pytest.mark.parametrize("number, status", [
    (404, 404), (599, 599), (300, 300), (304, 304), (200, 500), (1, 500), (-3, 500)])
def test_only_statuses_that_refuse_do(connect, number, status):
    assert refused(connect, f"/number?{number}").status == status


def test_connection_goes_on_after_a_refusal(server):
    with server.connect() as client:
        for _ in range(3):
            assert client.get("/refuse", *ws.lines()).status == 403
        assert client.get("/hello/you").status == 200
        ws.open_h1(server, "/echo", client=client).drop()
    with h2.connect(server) as connection:
        for _ in range(3):
            assert connection.reply(ws.start_h2(connection, "/refuse")).status == 403
        assert connection.get("/hello/you").status == 200
        ws.open_h2(server, "/echo", connection=connection)


def test_handler_greets_and_closes_before_it_has_heard_anything(connect):
    with connect("/bye") as socket:
        assert socket.read_text() == "bye"
        assert socket.read_close() == 1000
        socket.close(1000)
        assert socket.wait_end()


@pytest.mark.parametrize("offer, chosen", [("one, two", "two"), ("two", "two")])
def test_subprotocol_is_the_handlers_choice(connect, offer, chosen):
    with connect("/choose", f"Sec-WebSocket-Protocol: {offer}") as socket:
        assert socket.reply.header("sec-websocket-protocol") == chosen
        assert socket.ask("info websocket.protocol") == chosen


@pytest.mark.parametrize("fields", [[], ["Sec-WebSocket-Protocol: one, Two"]])
def test_subprotocol_that_nobody_offered_is_not_used(server, connect, fields):
    before = len(server.lines)
    with connect("/choose", *fields) as socket:
        assert socket.reply.header("sec-websocket-protocol") is None
        assert socket.ask("info websocket.protocol") == "NULL"
    server.wait_log("chose the subprotocol 'two', which the client does not", before)


def test_subprotocol_that_the_handler_does_not_choose_is_not_used(connect):
    with connect("/any", "Sec-WebSocket-Protocol: one") as socket:
        assert socket.reply.header("sec-websocket-protocol") is None
        assert socket.ask("info websocket.protocol") == "NULL"


@pytest.mark.parametrize("target, origin, allowed", [
    ("/echo", SAME, True), ("/echo", FOREIGN, False), ("/echo", "null", False),
    ("/echo", "http://localhost", False), ("/echo", LISTED, False),
    ("/listed", LISTED, True), ("/listed", SAME, True), ("/listed", FOREIGN, False),
    ("/all", FOREIGN, True), ("/all", "null", True)])
def test_origin(connect, target, origin, allowed):
    if allowed:
        with connect(target, f"Origin: {origin}") as socket:
            assert socket.ask("hello") == "hello"
    else:
        assert refused(connect, target, f"Origin: {origin}").status == 403


def test_facts(server, connect):
    with connect("/any?thing") as socket:
        version = {"h1": "1.1", "h2": "2"}[connect.protocol]
        for key, value in [("http.version", version), ("route", "/*"),
                           ("client.address", "127.0.0.1"), ("handler", "puppet"),
                           ("server.port", str(server.port)), ("tls.sni", "localhost"),
                           ("websocket.protocol", "NULL"), ("no.such", "NULL")]:
            assert (key, socket.ask(f"info {key}")) == (key, value)


def test_access_log_has_the_request(server, connect):
    target = f"/any?{connect.protocol}"
    with connect(target) as socket:
        line = server.wait_access(target)
        assert socket.ask("info request.id") == line["id"]
    method, status = {"h1": ("GET", 101), "h2": ("CONNECT", 200)}[connect.protocol]
    assert (line["method"], line["status"], line["handler"]) == (
        method, status, "puppet")
    assert line["bytes"] == 0


# What goes through


def test_text_and_binary_keep_their_kind(connect):
    with connect("/echo") as socket:
        for opcode, data in (ws.Op.TEXT, "Grüße".encode()), (ws.Op.BINARY, b"\0\xff"):
            socket.send(ws.frame(opcode, data))
            found = socket.read()
            assert (found.opcode, found.payload) == (opcode, data)


def test_message_of_a_mebibyte_in_fragments(connect):
    data = bytes(range(256)) * 4096
    with connect("/echo") as socket:
        for at in range(0, len(data), 10000):
            socket.send(ws.frame(ws.Op.CONTINUATION if at else ws.Op.BINARY,
                                 data[at:at + 10000], fin=at + 10000 >= len(data)))
        assert socket.read().payload == data


def test_message_past_the_bound_of_the_handler(connect):
    with connect("/any") as socket:
        socket.binary(bytes(MAX_MESSAGE))
        assert socket.read().payload == bytes(MAX_MESSAGE)
        socket.binary(bytes(MAX_MESSAGE + 1))
        assert socket.read_close() == 1009
        assert socket.wait_end()


def test_bomb(connect):
    with connect("/any", DEFLATE) as socket:
        assert socket.deflates
        bomb = ws.pack(bytes(32 << 20))
        assert len(bomb) < MAX_MESSAGE
        socket.send(ws.frame(ws.Op.BINARY, bomb, rsv=4))
        assert socket.read_close() == 1009
        assert socket.wait_end()


def test_messages_are_compressed_both_ways_if_that_was_agreed(connect):
    text = "a line that is said again and again, " * 200
    with connect("/echo", DEFLATE) as socket:
        assert socket.reply.header("sec-websocket-extensions").startswith(ws.DEFLATE)
        socket.send(ws.frame(ws.Op.TEXT, ws.pack(text.encode()), rsv=4))
        found = socket.read()
        assert found.packed and found.payload.decode() == text
    with connect("/echo") as socket:
        assert socket.reply.header("sec-websocket-extensions") is None
        socket.text(text)
        found = socket.read()
        assert not found.packed and found.payload.decode() == text


def test_ping_is_answered_beside_what_the_handler_says(connect):
    with connect("/echo") as socket:
        socket.send(ws.frame(ws.Op.PING, b"are you there"))
        found = socket.read()
        assert (found.opcode, found.payload) == (ws.Op.PONG, b"are you there")
        assert socket.ask("hello") == "hello"


def test_handler_sends_in_fragments(connect):
    with connect("/any") as socket:
        socket.text("flags 5 Gr\u00fc")  # TC_TEXT | TC_MORE; it says the result, too
        assert socket.read_frame() == ws.Frame(ws.Op.TEXT, "Gr\u00fc".encode(), False)
        assert socket.read_frame() == ws.Frame(ws.Op.CONTINUATION, b"0")


# How it ends


@pytest.mark.parametrize("code", [1000, 1001, 1011, 3000, 4999, None])
def test_client_closes(server, connect, code):
    before = len(server.lines)
    with connect("/any") as socket:
        socket.close(code, "that is all" if code else "")
        assert socket.read_close() == code
        assert socket.wait_end()
    server.wait_log(f"end {code or 1005} after 0", before)


def test_client_that_closes_has_its_answers_first(connect):
    with connect("/any") as socket:
        socket.send(*(ws.frame(ws.Op.TEXT, b"number %d" % i) for i in range(20)),
                    ws.frame(ws.Op.CLOSE, ws.close_payload(1000)))
        for number in range(20):
            assert socket.read_text() == f"number {number}"
        assert socket.read_close() == 1000
        assert socket.wait_end()


@pytest.mark.parametrize("code, reason", [
    (1000, ""), (1001, "away"), (1011, ""), (3000, "Grüße"), (4999, "x" * 123)])
def test_handler_closes(server, connect, code, reason):
    before = len(server.lines)
    with connect("/any") as socket:
        socket.text(f"close {code} {reason}".rstrip())
        found = socket.read()
        assert found.payload == ws.close_payload(code, reason)
        socket.text("too late")
        socket.close(code)
        assert socket.wait_end()
    server.wait_log(f"end {code} after 1", before)


@pytest.mark.parametrize("command", ["close 1005", "close 1006", "close 999",
                                     "close 2000", "close 5000",
                                     "close 1000 " + "x" * 124])
def test_handler_cannot_close_with_what_may_not_be_sent(connect, command):
    with connect("/any") as socket:
        assert socket.ask(command) == "x"  # it can still send
        assert socket.read_text() == "-4"  # TC_INVALID
        assert socket.ask("hello") == "hello"


def test_failure_of_the_handler_closes(server, connect):
    before = len(server.lines)
    with connect("/any") as socket:
        socket.text("result -3")
        assert socket.read_close() == 1011
        socket.close(1011)
        assert socket.wait_end()
    server.wait_log(r"on_data returned TC_FAIL \(-3\)", before)


def test_client_that_just_leaves_is_lost(server, connect):
    before = len(server.lines)
    with connect("/any") as socket:
        assert socket.ask("hello") == "hello"
    server.wait_log("end 1006 after 1", before)


def test_stream_that_is_reset_is_lost(server):
    before = len(server.lines)
    with h2.connect(server) as connection:
        socket = ws.open_h2(server, "/any", connection=connection)
        assert socket.ask("hello") == "hello"
        connection.reset(socket.carrier.stream)
        server.wait_log("end 1006 after 1", before)
        assert connection.get("/hello/you").status == 200


def test_stream_that_ends_without_a_close_frame_is_lost(server):
    before = len(server.lines)
    with h2.connect(server) as connection:
        socket = ws.open_h2(server, "/any", connection=connection)
        assert socket.ask("hello") == "hello"
        socket.carrier.end()
        assert socket.wait_end()
        server.wait_log("end 1006 after 1", before)


def test_stream_that_ends_at_once_is_answered(server):
    with h2.connect(server) as connection:
        block = connection.encoder.encode([
            (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
            (":authority", "localhost"), (":path", "/any"),
            ("sec-websocket-version", "13")])
        stream = connection.start("CONNECT", "/any", block=block)
        connection.wait(lambda: connection.stream(stream).over, "the end")
        assert connection.get("/hello/you").status == 200


# Many of them


def test_many_on_one_connection_beside_requests(server):
    with contextlib.ExitStack() as stack:
        connection = stack.enter_context(h2.connect(server))
        sockets = [ws.open_h2(server, "/echo", connection=connection) for _ in range(150)]
        for number, socket in enumerate(sockets):
            socket.text(f"number {number}")
        assert connection.get("/hello/you").status == 200
        for number, socket in reversed(list(enumerate(sockets))):
            assert socket.read_text() == f"number {number}"
        for socket in sockets[::2]:
            socket.close(1000)
            assert socket.read_close() == 1000 and socket.wait_end()
        assert all(socket.ask("still") == "still" for socket in sockets[1::2])


def fill(socket):
    """Sends until the server opens the stream's window no more."""
    connection, stream = socket.carrier.connection, socket.carrier.stream
    piece = ws.frame(ws.Op.BINARY, bytes(16000))
    while connection.left(stream) >= len(piece):
        socket.send(piece)
        if connection.left(stream) < len(piece):
            connection.round_trip()


def test_handlers_that_hold_up_their_clients_hold_up_nobody_else(server):
    with h2.connect(server) as connection:
        held = [ws.open_h2(server, "/any", connection=connection) for _ in range(6)]
        for socket in held:
            socket.text("pause")
            fill(socket)
        with ws.open_h2(server, "/echo", connection=connection) as socket:
            assert socket.ask("hello") == "hello"
        stream = connection.start("POST", "/echo", end=False)
        connection.upload(stream, bytes(300000))
        assert connection.reply(stream).status == 200
