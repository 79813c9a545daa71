# SPDX-License-Identifier: MIT
"""Over a reload, or a change of other files, a handler that has not changed goes on: its
state, its WebSockets, streams and late replies. In hosts and in workers, over HTTP/1.1
and HTTP/2."""

import contextlib
import json
import re

import pytest

import h2
import harness
import load
import plugs
import ws

RELOADS = 20
DRAIN_MS = 300

# Counts its requests and messages; says in the log when its instances begin and end.
COUNTER = {
    "fields": ".on_open = opened, .on_stop = stopped, .on_close = closed,"
              ".on_connect = connected, .on_data = heard, .on_filter = filtered",
    "first": "if (tc.query(r)[0] != 0) return stream(r);"
             "struct counter *its = tc.state(r); return say(r, ++its->count);",
    "code": r"""
#include <stdio.h>

extern char *program_invocation_short_name;

struct counter {
	char tag[16];
	int count;
};

static void note(struct counter *its, const char *what)
{
	char text[64];

	snprintf(text, sizeof text, "%s %s", its->tag, what);
	tc.log(TC_INFO, text, strlen(text));
}

static int opened(tc_conf *cf, void **state)
{
	struct counter *its = calloc(1, sizeof *its);

	strncpy(its->tag, tc.conf_str(cf, "tag", "none"), sizeof its->tag - 1);
	*state = its;
	note(its, "begins");
	return strcmp(its->tag, "bad") == 0 || (strcmp(its->tag, "not here") == 0 &&
	    strcmp(program_invocation_short_name, "tincan") == 0) ? TC_INVALID : TC_OK;
}

static void stopped(void *state, int why)
{
	note(state, why == TC_RELOAD ? "is stopped" : "shuts down");
}

static void closed(void *state)
{
	note(state, "is closed");
	free(state);
}

static int say(tc_req *r, int count)
{
	char text[16];

	snprintf(text, sizeof text, "%d", count);
	return tc.text(r, 200, text);
}

static void tick(void *arg)
{
	if (tc.write(arg, "data: tick\n\n", 12) == TC_GONE) {
		tc.abort(arg);
	} else {
		tc.after(10, tick, arg);
	}
}

static int stream(tc_req *r)
{
	tc.start(r, 200, "text/event-stream");
	tc.after(10, tick, r);
	return TC_LATER;
}

static int connected(tc_conn *c, tc_req *upgrade)
{
	(void)c;
	(void)upgrade;
	return TC_OK;
}

static int heard(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	struct counter *its = tc.conn_state(c);
	char text[64];

	if (flags & TC_END) return tc.close(c, 0, NULL);
	size = (size_t)snprintf(text, sizeof text, "%.*s%d", (int)size,
	    (const char *)data, ++its->count);
	return tc.send(c, text, size, tc.conn_kind(c) == TC_WEBSOCKET ? TC_TEXT : 0);
}

static int filtered(tc_req *r)
{
	struct counter *its = tc.state(r);
	char text[16];

	snprintf(text, sizeof text, "%d", ++its->count);
	tc.set_header(r, "X-Filtered", text);
	return TC_NEXT;
}
"""}


def route(path, tag, **more):
    return {"path": path, "handler": "counter", "settings": {"tag": tag}, **more}


ONE, TWO = route("/one", "one"), route("/two", "two")


@pytest.fixture
def plug(tmp_path):
    made = plugs.Plugs(tmp_path)
    made.drop("counter", "", **COUNTER)
    return made


@pytest.fixture
def start(start_server, plug):
    """A server with one worker, whose counter is run as told."""
    def start(isolation="host", **changes):
        return start_server(**{
            "plugins": {"directory": str(plug.directory)}, "workers": 1,
            "handlers": {"counter": {"isolation": isolation}},
            "timeouts": {"drain_ms": DRAIN_MS}, "routes": [ONE, TWO], **changes})
    return start


def reload(server, status=0, **changes):
    server.config.write_text(json.dumps({**json.loads(server.config.read_text()),
                                         **changes}))
    done = harness.tincan("reload", "--config", server.config)
    assert done.returncode == status, (done.stdout, done.stderr, server.log)
    return done.stdout


def said(server, text):
    """How often an instance has said something that begins so."""
    return server.log.count(f'"message":"{text}')


def generation(server):
    done = harness.tincan("status", "--config", server.config)
    return int(re.search(r"generation (\d+)", done.stdout)[1])


class Events:
    """A stream of events that never ends, over either protocol."""

    def __init__(self, server, protocol, target, stack):
        self.seen = 0
        if protocol == "http1":
            self.client = stack.enter_context(server.connect())
            self.client.start("GET", target)
            assert self.client.read_head().status == 200
        else:
            self.client = None
            self.connection = stack.enter_context(h2.connect(server))
            self.stream = self.connection.start("GET", target)
            assert self.connection.wait_head(self.stream) == 200

    def go_on(self):
        """Waits for some more of it."""
        if self.client is not None:
            for _ in range(6):
                assert self.client.read_line() is not None
            return
        self.seen = len(self.connection.stream(self.stream).body) + 24
        self.connection.wait_body(self.stream, self.seen)


OPEN = {"http1": ws.open_h1, "http2": ws.open_h2}


# What goes on


def test_reloads_and_other_files_are_not_noticed(start, plug, isolation, protocol):
    server = start(isolation)
    with contextlib.ExitStack() as stack:
        socket = stack.enter_context(OPEN[protocol](server, "/one"))
        events = Events(server, protocol, "/one?stream", stack)
        hosts = server.hosts("counter")
        assert socket.ask("") == "1"
        for number in range(RELOADS):
            reload(server, limits={"max_header_fields": 50 + number})
        assert socket.ask("") == "2"
        events.go_on()
        plug.drop("other", "other")
        plugs.answers(server, "/other", "other")
        plug.drop("other", "another")
        plugs.answers(server, "/other", "another")
        harness.time.sleep(2 * DRAIN_MS / 1000)  # nothing is to come of it
        assert socket.ask("") == "3"
        assert server.get("/one").text == "4"
        events.go_on()
        assert server.hosts("counter") == hosts
    assert "is stopped" not in server.log and "is closed" not in server.log


def test_only_the_route_that_changes_is_new(start, isolation, protocol):
    server = start(isolation)
    connect = OPEN[protocol]
    with connect(server, "/one") as one, connect(server, "/two") as two, \
            contextlib.ExitStack() as stack:
        events = Events(server, protocol, "/one?stream", stack)
        assert (one.ask(""), two.ask("")) == ("1", "1")
        reload(server, routes=[route("/two", "second"), ONE])
        assert server.get("/two").text == "1"
        assert two.read_close() == 1012
        two.close(1012)
        assert two.wait_end()
        server.wait_log("two is closed")
        assert one.ask("") == "2"
        events.go_on()
    assert said(server, "two is stopped") == 1
    assert said(server, "one is ") == 0
    server.stop()
    assert said(server, "one is closed") == said(server, "second is closed") == 1


def test_routes_may_move_and_twins_stay_two(start, isolation):
    twins = [route("/a", "twin"), route("/b", "twin")]
    server = start(isolation, routes=twins)
    for count in range(1, 4):
        assert server.get("/a").text == f"{count}"
    assert server.get("/b").text == "1"
    reload(server, routes=[TWO, twins[1], ONE, twins[0]])
    assert (server.get("/a").text, server.get("/b").text) == ("4", "2")
    assert server.get("/one").text == "1"


def test_its_own_route_may_become_a_configured_one(start, isolation):
    server = start(isolation, routes=[])
    assert server.get("/counter").text == "1"
    reload(server, routes=[{"path": "/counter", "handler": "counter"}])
    assert server.get("/counter").text == "2"


def test_filters_and_streams_go_on(start, isolation):
    server = start(isolation, filters=["counter"], alpn={"count": "counter"})
    with server.connect() as client:
        assert client.get("/hello/x").header("x-filtered") == "1"
        context = server.context()
        context.set_alpn_protocols(["count"])
        with server.connect(context=context) as line:
            line.send(b"x")
            assert line.read(2) == b"x1"
            for number in range(3):
                reload(server, limits={"max_header_fields": 50 + number})
            line.send(b"y")
            assert line.read(2) == b"y2"
        assert client.get("/hello/x").header("x-filtered") == "2"
    assert "is stopped" not in server.log


def test_limits_of_what_goes_on_are_the_new_ones(start, isolation):
    server = start(isolation)
    assert server.request("POST", "/one", body="12345").text == "1"
    reload(server, handlers={"counter": {"isolation": isolation, "max_body_bytes": 4}})
    assert server.request("POST", "/one", body="12345").status == 413
    assert server.request("POST", "/one", body="1234").text == "2"


def test_reloads_under_load_break_nothing(start, isolation):
    server = start(isolation, workers=2)
    with load.Steady(server, "/one", 16, 0.01), load.Steady(server, "/two", 4, 0.01):
        for _ in range(5):
            reload(server)
    assert said(server, "one begins") == 2  # once in each worker
    assert "is stopped" not in server.log


# What is refused


def test_what_changes_nothing_makes_no_generation(start, plug, isolation):
    server = start(isolation)
    file = plug / "counter.so"
    content = file.read_bytes()
    with ws.open_h1(server, "/one") as socket:
        assert socket.ask("") == "1"
        before = generation(server)
        plug.add(plug.make("other", "other"), "unused.txt")
        file.touch()
        plug.workshop.joinpath("same").write_bytes(content)
        plug.add(plug.workshop / "same", "counter.so")
        file.write_bytes(content[:1000])
        server.wait_log("counter.so is not served: .*version before goes on")
        (plug / "broken.so").write_bytes(b"no plugin")
        server.wait_log("broken.so is not served: not an ELF")
        assert generation(server) == before
        listed = harness.tincan("plugins", "--config", server.config).stdout
        assert "broken" in listed and "not an ELF" in listed
        assert socket.ask("") == "2"
        file.write_bytes(content)
        (plug / "broken.so").unlink()
        plug.drop("other", "other")
        plugs.answers(server, "/other", "other")
        assert socket.ask("") == "3"
    assert "is stopped" not in server.log


def test_reload_that_is_refused_stops_nothing(start, isolation):
    server = start(isolation)
    with ws.open_h1(server, "/one") as socket:
        assert socket.ask("") == "1"
        reload(server, status=1, routes=[ONE, route("/two", "bad")])
        assert socket.ask("") == "2"
        reload(server, routes=[ONE])
        assert socket.ask("") == "3"
        server.wait_log("two is closed")
    assert said(server, "one is ") == 0


def test_generation_that_a_worker_refuses_stops_nothing(start):
    """What a probe has found good may not be there."""
    server = start("worker")
    with ws.open_h1(server, "/one") as socket:
        assert socket.ask("") == "1"
        reload(server, status=1, routes=[ONE, route("/two", "not here")])
        server.wait_log("worker 0 cannot serve generation 2")
        assert server.get("/two").text == "1"
        assert socket.ask("") == "2"
        reload(server, routes=[ONE, TWO])
        assert server.get("/two").text == "2"
        assert socket.ask("") == "3"
    assert "is stopped" not in server.log


def test_version_that_is_rolled_back_takes_nothing_else_along(start, plug, isolation):
    server = start(isolation)
    plug.drop("fresh", "one")
    plugs.answers(server, "/fresh", "one")
    with ws.open_h1(server, "/one") as socket:
        assert socket.ask("") == "1"
        plug.drop("fresh", "two", first="if (tc.query(r)[0] != 0) abort();")
        plugs.answers(server, "/fresh", "two")
        assert server.get("/fresh?die").status == 502
        plugs.answers(server, "/fresh?die", "one")
        assert socket.ask("") == "2"
    assert "is stopped" not in server.log
