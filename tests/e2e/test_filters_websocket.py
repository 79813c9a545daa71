# SPDX-License-Identifier: MIT
"""WebSocket handshakes that pass through filters, over HTTP/1.1 and HTTP/2: denied,
changed until they are none any more, refused by the server or by the handler; filter and
handler each in a host and inside the workers."""

import pytest

import h2
import harness
import plugs
import ws

WHERE = ["worker", "host"]

# Does what "x-gate" says: "deny", or "request NAME VALUE" and "reply NAME VALUE", which
# change a field, without a value take it out; what comes of that is in the log.
GATE = """
#include <stdio.h>

static int change(tc_req *r, const char *words)
{
	char name[64] = "", value[64] = "";
	int request = strncmp(words, "request ", 8) == 0;
	int count = sscanf(words, "%*s %63s %63s", name, value);
	const char *to = count == 2 ? value : NULL;

	tc_log(TC_INFO, "gate: %s: %d.", words, request
	    ? tc.set_request_header(r, name, to) : tc.set_header(r, name, to));
	return TC_NEXT;
}

static int decide(tc_req *r)
{
	const char *words = tc.header(r, "x-gate");

	if (words == NULL) {
		return TC_NEXT;
	}
	return strcmp(words, "deny") == 0 ? tc.text(r, 403, "denied\\n")
					  : change(r, words);
}

static void decide_late(void *r)
{
	if (decide(r) == TC_NEXT) {
		tc.next(r);
	}
}

static int seen(tc_req *r)
{
	tc.set_header(r, "x-asked", "yes");
	if (tc.header(r, "x-late") != NULL) {
		return tc.after(1, decide_late, r) == NULL ? TC_NOMEM : TC_LATER;
	}
	return decide(r);
}

static int look(tc_req *r, int status)
{
	return tc.set_header(r, "x-seen", tc_printf(r, "%d", status));
}

static void done(tc_req *r)
{
	const char *name = tc.header(r, "x-case");

	tc_log(TC_INFO, "gate done %s.", name == NULL ? "" : name);
}
"""
CALLS = ".on_filter = seen, .on_reply = look, .on_done = done"

# Has WebSockets, and nothing else; refuses those that ask for it.
TALKER = """
static int connected(tc_conn *c, tc_req *upgrade)
{
	const char *how = tc.header(upgrade, "x-refuse");

	(void)c;
	if (how == NULL) {
		return TC_OK;
	}
	return strcmp(how, "with words") == 0 ? tc.text(upgrade, 409, "not now\\n") : 410;
}
"""


@pytest.fixture(scope="module", params=[(a, b) for a in WHERE for b in WHERE],
                ids=lambda pair: f"filter-in-{pair[0]}-handler-in-{pair[1]}")
def server(request, tmp_path_factory, make_config, certificates):
    filters, handlers = request.param
    folder = tmp_path_factory.mktemp("gates")
    plug = plugs.Plugs(folder)
    plug.drop("gate", "", request=CALLS, code=GATE)
    plug.drop("talker", "", request=".on_connect = connected", code=TALKER)
    plug.add(harness.PLUGINS / "echo.so")
    running = harness.Server(folder, make_config(
        workers=1, filters=["gate"], plugins={"directory": str(plug.directory)},
        routes=[{"path": "/echo", "handler": "echo"},
                {"path": "/talker", "handler": "talker"}],
        handlers={"gate": {"isolation": filters}, "echo": {"isolation": handlers},
                  "talker": {"isolation": handlers}}), certificates)
    yield running
    running.stop()


@pytest.fixture(params=["h1", "h2"])
def over(request):
    return request.param


@pytest.fixture(params=["at-once", "late"])
def fields(request):
    return ["x-late: yes"] if request.param == "late" else []


def refused(server, over, target, *fields):
    """The reply to a handshake that comes to nothing."""
    with pytest.raises(ws.Refused) as caught:
        ws.OPEN[over](server, target, *fields)
    return caught.value.reply


def opens(server, over, *fields):
    with ws.OPEN[over](server, "/echo", *fields) as socket:
        assert socket.ask("hello") == "hello"
    return socket.reply


def expect_passed(reply, status):
    """It has gone through the filter as every reply does."""
    assert (reply.status, reply.header("x-seen")) == (status, str(status)), reply
    assert reply.header("x-asked") == "yes"


def test_a_denial_is_a_reply_like_any_other(server, over, fields):
    reply = refused(server, over, "/echo", "x-gate: deny", *fields)
    assert (reply.status, reply.text, reply.header("x-asked")) == \
        (403, "denied\n", "yes")
    assert reply.header("x-seen") is None
    assert reply.header("upgrade") is None
    assert opens(server, over).header("x-asked") == "yes"


def test_a_connection_outlives_the_refusal_of_a_websocket(server):
    with server.connect() as client:
        for gate, status in [("deny", 403), ("request Sec-WebSocket-Key", 400),
                             ("request Sec-WebSocket-Version", 426)]:
            reply = client.get("/echo", *ws.lines(f"x-gate: {gate}"))
            assert reply.status == status
        ws.open_h1(server, "/echo", client=client).drop()
    with h2.connect(server) as connection:
        for gate, status in [("deny", 403), ("request Sec-WebSocket-Version", 426)]:
            stream = ws.start_h2(connection, "/echo", f"x-gate: {gate}")
            assert connection.reply(stream).status == status
        socket = ws.open_h2(server, "/echo", connection=connection)
        assert socket.ask("hello") == "hello"


def test_without_its_key_it_is_a_bad_request(server, over, fields):
    for gate in "request Sec-WebSocket-Key", "request Sec-WebSocket-Key short":
        if over == "h2":  # which has none
            assert opens(server, over, f"x-gate: {gate}", *fields).status == 200
        else:
            expect_passed(refused(server, over, "/echo", f"x-gate: {gate}", *fields), 400)


def test_without_its_version_it_is_told_ours(server, over, fields):
    for gate in "request Sec-WebSocket-Version", "request Sec-WebSocket-Version 8":
        reply = refused(server, over, "/echo", f"x-gate: {gate}", *fields)
        expect_passed(reply, 426)
        assert reply.header("sec-websocket-version") == "13"


def test_with_extensions_that_make_no_sense_it_is_a_bad_request(server, over, fields):
    reply = refused(server, over, "/echo", "x-gate: request Sec-WebSocket-Extensions =",
                    *fields)
    expect_passed(reply, 400)


def test_an_origin_that_a_filter_sets_counts(server, over, fields):
    reply = refused(server, over, "/echo",
                    "x-gate: request Origin https://elsewhere.example", *fields)
    expect_passed(reply, 403)
    opens(server, over, "Origin: https://elsewhere.example", "x-gate: request Origin",
          *fields)


@pytest.mark.parametrize("name", ["Upgrade", "Connection"])
def test_what_frames_it_is_no_filters_to_change(server, over, fields, name):
    for gate in f"request {name}", f"request {name} close", f"reply {name} close":
        assert opens(server, over, f"x-gate: {gate}", *fields).header("x-asked") == "yes"
        server.wait_log(f"gate: {gate}: -4.")


def test_nobody_is_made_a_websocket_who_did_not_ask(server, over, fields):
    for gate in f"request Sec-WebSocket-Key {ws.KEY}", "request Upgrade websocket":
        arguments = ["/talker", f"x-gate: {gate}", *fields]
        if over == "h1":
            reply = server.get(*arguments)
            assert reply.header("upgrade") == "websocket"
            assert reply.header("connection").lower() == "upgrade"
        else:
            with h2.connect(server) as connection:
                reply = connection.get(*arguments)
            assert reply.header("upgrade") is None
        expect_passed(reply, 426)


@pytest.mark.parametrize("field", [
    "Sec-WebSocket-Accept false", "Sec-WebSocket-Extensions x-none", "Content-Length 7",
    "Sec-WebSocket-Protocol unheard-of"])
def test_what_the_handshake_says_is_no_filters_to_change(server, over, fields, field):
    reply = opens(server, over, f"x-gate: reply {field}", *fields)
    assert (field.split()[0].lower(), field.split()[1]) not in reply.fields


def test_a_handler_refuses_by_a_status(server, over, fields):
    reply = refused(server, over, "/talker", "x-refuse: by status", *fields)
    assert (reply.status, reply.header("x-seen")) == (410, None)


@pytest.mark.parametrize("field", ["X-More yes", "Content-Length 3"])
def test_a_handler_that_refuses_in_its_own_words_has_the_filters_fields(
        server, over, fields, field):
    reply = refused(server, over, "/talker", "x-refuse: with words",
                    f"x-gate: reply {field}", *fields)
    assert (reply.status, reply.text) == (409, "not now\n")
    assert (reply.header("x-asked"), reply.header("x-seen")) == ("yes", None)
    assert reply.header("x-more") == ("yes" if field == "X-More yes" else None)


def test_each_filter_that_was_asked_is_done_with(server, over):
    case = f"x-case: {over}"
    refused(server, over, "/talker", case, "x-refuse: by status")
    refused(server, over, "/talker", case, "x-gate: deny")
    refused(server, over, "/talker", case, "x-gate: request Sec-WebSocket-Version")
    ws.OPEN[over](server, "/talker", case).drop()
    harness.wait_for(lambda: server.log.count(f"gate done {over}.") == 4, "on_done")
