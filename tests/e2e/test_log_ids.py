# SPDX-License-Identifier: MIT
"""Lines that a handler logs carry the id of the request that they are about, whatever
callback says them."""

import json
import socket
import struct

import pytest

import h2
import harness
import plugs
import ws

RESET = struct.pack("ii", 1, 0)  # no end in order
SAYS = {"code": """
static void later(void *r)
{
	tc_log(TC_INFO, "in a timer");
	tc.text((tc_req *)r, 200, "late");
}

static void gone(tc_req *r)
{
	tc_log(TC_INFO, "in on_gone of %s", tc.info(r, "request.id"));
	tc.end(r);
}

static void drain(tc_req *r)
{
	tc_log(TC_INFO, "in on_drain of %s", tc.info(r, "request.id"));
	tc.end(r);
}

static void released(void *arg)
{
	(void)arg;
	tc_log(TC_INFO, "in a release");
}

static int stream(tc_req *r)
{
	static char data[65536];

	tc.start(r, 200, NULL);
	while (tc.write(r, data, sizeof data) == TC_OK) {
	}
	return TC_LATER;
}

static int body(tc_req *r, const void *data, size_t size, int last)
{
	(void)data;
	(void)size;
	if (strcmp(tc.method(r), "POST") != 0)
		return TC_OK;
	tc_log(TC_INFO, "in on_body");
	return last ? tc.text(r, 200, "taken") : TC_OK;
}

static int connect(tc_conn *c, tc_req *upgrade)
{
	(void)c;
	(void)upgrade;
	tc_log(TC_INFO, "in on_connect");
	return TC_OK;
}

static int take(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	tc_log(TC_INFO, "in on_data");
	return tc.send(c, data, size, flags);
}

static void end(tc_conn *c, int code)
{
	(void)c;
	tc_log(TC_INFO, "in on_end, %d", code);
}
""", "first": """const char *what = tc.tail(r);

	tc_log(TC_INFO, "in on_request of %s", tc.info(r, "request.id"));
	if (strcmp(what, "later") == 0)
		return tc.after(1, later, r) == NULL ? TC_FAIL : TC_LATER;
	if (strcmp(what, "wait") == 0 || strcmp(tc.method(r), "POST") == 0)
		return TC_LATER;
	if (strcmp(what, "stream") == 0)
		return stream(r);
	if (strcmp(what, "release") == 0)
		return tc.reply_ref(r, 200, NULL, "x", 1, released, NULL);
""", "fields": """.flags = TC_BODY_STREAM, .on_gone = gone, .on_drain = drain,
    .on_body = body, .on_connect = connect, .on_data = take, .on_end = end,
    .route = "/says/*\""""}


@pytest.fixture(scope="module", params=["host", "worker"])
def server(request, tmp_path_factory, certificates, make_config):
    folder = tmp_path_factory.mktemp("says")
    plug = plugs.Plugs(folder)
    plug.drop("says", "said", **SAYS)
    running = harness.Server(folder, make_config(
        workers=1, plugins={"directory": str(plug.directory)}, routes=[],
        handlers={"says": {"isolation": request.param}}), certificates)
    yield running
    running.stop()


@pytest.fixture
def said(server, version):
    """Runs a request to its end; the log's lines with these texts."""
    def said(what, *texts, options=()):
        first = len(server.lines)
        server.curl(f"/says/{what}", version, *options)
        return [json.loads(server.wait_log(text, after=first)) for text in texts]
    return said


def test_of_a_request(server, said):
    line, = said("now", "in on_request of")
    assert line["message"].endswith(line["id"])
    assert line["handler"] == "says"


def test_of_a_timer_there_is_none(said):
    request, timer = said("later", "in on_request of", "in a timer")
    assert "id" in request and "id" not in timer


def test_of_a_client_that_has_left(server, version):
    first = len(server.lines)
    with server.connect() if version == "--http1.1" else h2.connect(server) as client:
        stream = client.start("GET", "/says/wait")
        request = json.loads(server.wait_log("in on_request", after=first))
        if version == "--http1.1":
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        else:
            client.reset(stream)
    gone = json.loads(server.wait_log("in on_gone", after=first))
    assert gone["id"] == request["id"]
    assert gone["message"].endswith(request["id"])


def test_of_a_client_that_takes_again(said):
    request, drain = said("stream", "in on_request of", "in on_drain")
    assert drain["id"] == request["id"]


def test_of_a_release(said):
    request, release = said("release", "in on_request of", "in a release")
    assert release["id"] == request["id"]


def test_of_a_body_in_pieces(said):
    request, body = said("body", "in on_request of", "in on_body",
                         options=["-d", "x" * 100000])
    assert body["id"] == request["id"]


@pytest.mark.parametrize("connect", [ws.open_h1, ws.open_h2])
@pytest.mark.parametrize("in_order", [True, False])
def test_of_a_websocket(server, connect, in_order):
    first = len(server.lines)
    with connect(server, "/says/ws") as peer:
        assert peer.ask("hello") == "hello"
        if in_order:
            peer.close(1000)
            peer.read_close()
    lines = [json.loads(server.wait_log(text, after=first))
             for text in ["in on_connect", "in on_data", "in on_end"]]
    assert len({line["id"] for line in lines}) == 1
