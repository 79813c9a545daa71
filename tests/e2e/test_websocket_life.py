# SPDX-License-Identifier: MIT
"""WebSockets that last: silent peers, slow ones, handlers that hold up, die or are
replaced, a server that stops; and a browser. Over HTTP/1.1 and HTTP/2, in hosts and in
workers."""

import json
import os
import re
import shutil
import signal

import pytest

import browser
import h2
import harness
import plugs
import ws
from test_stream import memory, reload

PUPPET = harness.BUILD / "tests/plugins/puppet.so"
PING_MS = 200
MUCH = 8 << 20

TALKS = {"fields": ".on_connect = connected, .on_data = heard", "code": """
#define SAYS "%(says)s"

static int connected(tc_conn *c, tc_req *upgrade)
{
	%(first)s
	(void)c;
	(void)upgrade;
	return TC_OK;
}

static int heard(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	(void)data;
	(void)size;
	(void)flags;
	return tc.send(c, SAYS, strlen(SAYS), TC_TEXT);
}
"""}


def talks(says, first=""):
    """The code of a handler that answers every message with that text."""
    return {**TALKS, "code": TALKS["code"] % {"says": says, "first": first}}


@pytest.fixture(params=["h1", "h2"])
def protocol(request):
    return request.param


@pytest.fixture
def plug(tmp_path):
    made = plugs.Plugs(tmp_path)
    made.add(PUPPET)
    made.add(harness.PLUGINS / "echo.so")
    return made


@pytest.fixture
def start(start_server, plug):
    """A server with one worker whose handlers run there."""
    def start(isolation, timeout_ms=10000, **changes):
        where = {"isolation": isolation, "timeout_ms": timeout_ms}
        return start_server(**{
            "plugins": {"directory": str(plug.directory), "serve_unrouted": False},
            "handlers": {name: where for name in ("echo", "puppet")},
            "routes": [{"path": "/hello/{name}", "handler": "hello"},
                       {"path": "/echo", "handler": "echo"},
                       {"path": "/any", "handler": "puppet"}],
            "workers": 1, **changes})
    return start


def answer_ping(socket):
    """The next frame, which is a ping, answered."""
    found = socket.read_frame()
    assert found.opcode == ws.Op.PING, found
    socket.send(ws.frame(ws.Op.PONG, found.payload))


def wait_until_dropped(server, protocol="h1"):
    """For one that never answers: two times as long as a peer may be silent."""
    with ws.OPEN[protocol](server, "/any") as socket:
        assert socket.read_frame().opcode == ws.Op.PING
        socket.wait_end()


# Silent peers


def test_peer_that_answers_pings_stays(start, isolation, protocol):
    server = start(isolation, timeouts={"ping_ms": PING_MS})
    with ws.OPEN[protocol](server, "/any") as socket:
        for _ in range(4):
            answer_ping(socket)
        assert socket.ask("hello") == "hello"


def test_peer_that_answers_no_ping_is_dropped(start, isolation, protocol):
    server = start(isolation, timeouts={"ping_ms": PING_MS})
    wait_until_dropped(server, protocol)
    server.wait_log("end 1006 after 0")


def test_peer_that_is_held_up_is_not_dropped(start):
    server = start("worker", timeouts={"ping_ms": PING_MS})
    with h2.connect(server) as connection:
        socket = ws.open_h2(server, "/any", connection=connection)
        socket.text("pause")
        socket.text("hello")
        for _ in range(2):
            wait_until_dropped(server)
        connection.round_trip()
        assert not socket.carrier.state.over and not socket.carrier.state.body


def test_peer_that_takes_nothing_cannot_answer_pings(start, isolation):
    server = start(isolation, timeouts={"ping_ms": PING_MS})
    with h2.connect(server, opens_windows=False) as connection:
        socket = ws.open_h2(server, "/any", connection=connection)
        socket.text("fill 60000")
        size = 60000 * int(re.search(r"filled (\d+)", server.wait_log("filled"))[1])
        for _ in range(3):
            wait_until_dropped(server)
        connection.update_window(0, MUCH)
        connection.update_window(socket.carrier.stream, MUCH)
        connection.opens_windows = True
        while size > 0:
            found = socket.read()
            assert found.opcode == ws.Op.BINARY
            size -= len(found.payload)
        assert socket.ask("hello") == "hello"


# Back-pressure


def test_handler_is_told_when_no_more_is_taken_and_when_it_is_again(
        start, isolation, protocol):
    server = start(isolation)
    with ws.OPEN[protocol](server, "/any") as socket:
        socket.text("fill 60000")
        found = re.search(r"filled (\d+)", server.wait_log("filled"))
        assert int(found[1]) in (4, 5)  # of what may wait, 256 KiB, and one beyond it
        for _ in range(int(found[1])):
            assert socket.read().payload == bytes(60000)
        server.wait_log("send again")


def test_client_that_reads_nothing_is_not_heard_and_costs_little(start, isolation):
    server = start(isolation)
    with ws.open_h1(server, "/echo") as socket:
        before = memory(server)
        socket.carrier.client.sock.settimeout(1)
        with pytest.raises(TimeoutError):
            for _ in range(8 * MUCH // 65536):
                socket.carrier.client.send(ws.frame(ws.Op.BINARY, bytes(65536)))
        if not harness.SANITIZED:
            assert memory(server) - before < MUCH


def test_stream_that_is_not_read_is_not_heard_and_costs_little(start, isolation):
    server = start(isolation)
    with h2.connect(server, opens_windows=False) as connection:
        before = memory(server)
        socket = ws.open_h2(server, "/echo", connection=connection)
        piece = ws.frame(ws.Op.BINARY, bytes(16000))
        sent = 0
        while connection.left(socket.carrier.stream) >= len(piece):
            socket.send(piece)
            sent += len(piece)
            assert sent < MUCH
            if connection.left(socket.carrier.stream) < len(piece):
                connection.round_trip()
        connection.update_window(0, MUCH)
        if not harness.SANITIZED:
            assert memory(server) - before < MUCH
        assert connection.get("/hello/you").status == 200


def test_client_that_is_held_up_goes_on_where_it_stood(start, isolation):
    server = start(isolation)
    with h2.connect(server, opens_windows=False) as connection:
        socket = ws.open_h2(server, "/any", connection=connection)
        for text in "fill 60000", "pause", "first", "second":
            socket.text(text)
        found = re.search(r"filled (\d+)", server.wait_log("filled"))
        connection.update_window(0, MUCH)
        connection.update_window(socket.carrier.stream, MUCH)
        for _ in range(int(found[1])):
            assert socket.read().payload == bytes(60000)
        assert socket.read_text() == "first"  # on_send takes the pause back
        assert socket.read_text() == "second"


# What happens to handlers


def test_crash_ends_those_of_that_host_and_no_other(start, protocol):
    server = start("host")
    connect = ws.OPEN[protocol]
    with connect(server, "/any") as one, connect(server, "/any") as two, \
            connect(server, "/echo") as other:
        assert two.ask("hello") == "hello"
        one.text("crash")
        for socket in one, two:
            assert socket.read_close() == 1011
            socket.close(1011)
            assert socket.wait_end()
        assert other.ask("still here") == "still here"
        with connect(server, "/any") as socket:
            assert socket.ask("again") == "again"
    server.wait_log(r"crashed in on_data, request \w{16}: signal 6")


def test_requests_of_a_handler_go_on_when_its_websockets_are_lost(start, protocol):
    server = start("host")
    with ws.OPEN[protocol](server, "/echo") as socket:
        assert socket.ask("hello") == "hello"
        os.kill(server.hosts("echo")[0], signal.SIGKILL)
        assert server.get("/echo").status == 200
        assert socket.read_close() == 1011


def test_crash_while_it_connects_is_a_bad_gateway(start, protocol):
    server = start("host", routes=[{"path": "/*", "handler": "puppet"}])
    with pytest.raises(ws.Refused) as caught:
        ws.OPEN[protocol](server, "/crash")
    assert caught.value.reply.status == 502
    with ws.OPEN[protocol](server, "/any") as socket:
        assert socket.ask("again") == "again"


def test_hang_ends_the_host(start, protocol):
    server = start("host", timeout_ms=500)
    with ws.OPEN[protocol](server, "/any") as one, \
            ws.OPEN[protocol](server, "/any") as two:
        assert two.ask("hello") == "hello"
        one.text("hang")
        assert one.read_close() == 1011
        assert two.read_close() == 1011
    with ws.OPEN[protocol](server, "/any") as socket:
        assert socket.ask("again") == "again"


def test_hang_while_it_connects_is_a_late_answer(start, protocol):
    server = start("host", timeout_ms=500,
                   routes=[{"path": "/*", "handler": "puppet"}])
    with pytest.raises(ws.Refused) as caught:
        ws.OPEN[protocol](server, "/hang")
    assert caught.value.reply.status == 504
    with ws.OPEN[protocol](server, "/any") as socket:
        assert socket.ask("again") == "again"


def test_reload_leaves_them_open(start, isolation, protocol):
    server = start(isolation)
    with ws.OPEN[protocol](server, "/any") as socket:
        assert socket.ask("before") == "before"
        for number in range(3):
            reload(server, limits={"max_header_fields": 50 + number})
            assert socket.ask("after") == "after"
        with ws.OPEN[protocol](server, "/any") as other:
            assert other.ask("new") == "new"


def test_route_that_is_gone_restarts_them(start, isolation, protocol):
    server = start(isolation, timeouts={"drain_ms": 300})
    with ws.OPEN[protocol](server, "/any") as socket:
        assert socket.ask("before") == "before"
        reload(server, routes=[{"path": "/other", "handler": "puppet"}])
        assert socket.ask("after") == "after"
        assert socket.read_close() == 1012
        socket.close(1012)
        assert socket.wait_end()
    server.wait_log("end 1012 after 2")


def test_new_file_leaves_those_of_the_old_one_to_it(start, plug, isolation, protocol):
    plug.drop("talk", "first", **talks("old"))
    server = start(isolation, handlers={"talk": {"isolation": isolation}},
                   routes=[{"path": "/talk", "handler": "talk"}])
    with ws.OPEN[protocol](server, "/talk") as socket:
        assert socket.ask("who") == "old"
        plug.drop("talk", "second", **talks("new"))
        plugs.answers(server, "/talk", "second")
        assert socket.ask("who") == "old"
        with ws.OPEN[protocol](server, "/talk") as other:
            assert other.ask("who") == "new"


# The end of the server


def test_stop_says_going_away(start, isolation, protocol):
    server = start(isolation)
    with ws.OPEN[protocol](server, "/any") as socket:
        assert socket.ask("before") == "before"
        server.signal(signal.SIGTERM)
        assert socket.read_close() == 1001
        socket.close(1001)
        assert socket.wait_end()
    assert server.wait_exit() == 0
    if isolation == "worker":  # a host ends with its worker, maybe before it is told
        assert "end 1001 after 1" in server.log


def test_stop_does_not_wait_for_those_who_do_not_answer(start):
    server = start("host")
    with ws.open_h1(server, "/any") as one, ws.open_h2(server, "/any") as two:
        server.signal(signal.SIGTERM)
        assert one.read_close() == 1001
        assert two.read_close() == 1001
        assert server.wait_exit() == 0  # within harness.DEADLINE; drain_ms is longer
    assert server.log.count("end 1006 after 0") == 2


def refuses(server):
    try:
        server.tcp().close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        pass  # it was closed at that moment: look again
    return False


def test_stop_while_one_is_being_opened(start, plug, tmp_path, protocol):
    came, go = tmp_path / "came", tmp_path / "go"
    plug.drop("slow", "slow", **talks("never", f"""
	fclose(fopen("{came}", "w"));
	while (access("{go}", F_OK) != 0) usleep(1000);"""))
    server = start("host", routes=[{"path": "/slow", "handler": "slow"}])
    client = server.connect()
    if protocol == "h1":
        client.start("GET", "/slow", *ws.lines())
    else:
        connection = h2.connect(server)
        stream = ws.start_h2(connection, "/slow")
    harness.wait_for(came.exists, "on_connect")
    server.signal(signal.SIGTERM)
    harness.wait_for(lambda: refuses(server), "the worker to begin its stop")
    go.touch()
    if protocol == "h1":
        socket = ws.WebSocket(ws.H1(client), client.read_head())
    else:
        assert connection.wait_head(stream) == 200
        socket = ws.WebSocket(ws.H2(connection, stream, True),
                              connection.stream(stream).reply())
    assert socket.read_close() == 1001
    socket.close(1001)
    assert socket.wait_end()
    socket.drop()
    client.close()
    assert server.wait_exit() == 0


# A browser

SCRIPT = """
window.said = [];
window.line = new WebSocket("wss://localhost:%d/echo?browser");
line.binaryType = "arraybuffer";
line.onopen = () => {
  said.push("open " + line.extensions);
  line.send("Gr\\u00fc\\u00dfe");
  line.send(new Uint8Array(300000));
};
line.onmessage = event => {
  said.push(typeof event.data === "string" ? event.data : event.data.byteLength);
  if (said.length === 3) line.close(3000, "bye");
};
line.onclose = event => {
  said.push([event.code, event.reason, event.wasClean].join(" "));
};
0;
"""


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_chromium(start, tmp_path, protocol):
    server = start("host")
    options = ["--disable-http2"] if protocol == "h1" else []
    with browser.Browser(tmp_path / "browser", server.url("/hello/you"),
                         options=options) as page:
        page.evaluate(SCRIPT % server.port)
        page.wait("said.length === 4")
        said = json.loads(page.evaluate("JSON.stringify(said)"))
    assert said[0].startswith("open permessage-deflate")
    assert said[1:] == ["Gr\u00fc\u00dfe", 300000, "3000  true"]
    line = server.wait_access("/echo?browser")
    assert (line["method"], line["status"]) == {
        "h1": ("GET", 101), "h2": ("CONNECT", 200)}[protocol]
