# SPDX-License-Identifier: MIT
"""Whose raw streams a listener or an ALPN name are: what the configuration and the files
of handlers say, at the start, at a reload and when a file changes."""

import json
import re
import socket
import ssl

import pytest

import harness
import plugs


@pytest.fixture
def plug(tmp_path):
    made = plugs.Plugs(tmp_path)
    made.drop("line", "first", **plugs.CONNECTS)
    return made


@pytest.fixture
def start(start_server, plug):
    def start(**changes):
        return start_server(**{
            "plugins": {"directory": str(plug.directory), "serve_unrouted": False},
            "routes": [], **changes})
    return start


@pytest.mark.parametrize("changes", [
    {"alpn": {"tincan-line": "line"}},
    {"listeners": [{"address": "127.0.0.1:0"},
                   {"address": "127.0.0.1:0", "stream": "line"}]}],
    ids=["alpn", "listener"])
def test_handler_of_nothing_but_streams_has_processes(start, changes):
    server = start(**changes)
    harness.wait_for(lambda: len(server.hosts("line")) == 2, "its processes")
    assert not server.hosts("hello")
    assert server.get("/line").status == 404


def test_check_of_a_handler_is_tried_on_its_route_not_on_its_streams(start, plug):
    plug.drop("line", "first", code=plugs.CONNECTS["code"],
              fields='.on_connect = connected, .check = "GET /line 200"')
    server = start(alpn={"tincan-line": "line"},
                   listeners=[{"address": "127.0.0.1:0"},
                              {"address": "127.0.0.1:0", "stream": "line"}],
                   routes=[{"path": "/line", "handler": "line"}])
    assert server.get("/line").text == "first"


def test_handler_of_streams_keeps_its_own_route(start_server, plug):
    server = start_server(plugins={"directory": str(plug.directory)}, routes=[],
                          alpn={"tincan-line": "line"})
    assert server.get("/line").text == "first"


@pytest.mark.parametrize("isolation", ["host", "worker"])
def test_file_that_takes_no_streams_any_more_is_not_served(start, plug, isolation):
    server = start(routes=[{"path": "/line", "handler": "line"}],
                   alpn={"tincan-line": "line"},
                   handlers={"line": {"isolation": isolation}})
    plug.drop("line", "second")
    line = server.wait_log(r"line\.so is not served")
    assert "alpn.tincan-line: handler 'line' takes no streams" in line
    assert "version before goes on" in line
    assert server.get("/line").text == "first"
    plug.drop("line", "third", **plugs.CONNECTS)
    plugs.answers(server, "/line", "third")


def test_reload_refuses_a_stream_to_who_takes_none(start):
    server = start(routes=[{"path": "/hello/{name}", "handler": "hello"}])
    config = json.loads(server.config.read_text())
    server.config.write_text(json.dumps({**config, "alpn": {"x": "hello"}}))
    done = harness.tincan("reload", "--config", server.config, folder=server.folder)
    assert done.returncode == 1
    assert "alpn.x: handler 'hello' takes no streams" in done.stderr
    assert server.get("/hello/you").text == "Hello, you!\n"


GREET = {"fields": ".on_connect = connected, .on_open = opened", "code": """
static int connected(tc_conn *c, tc_req *upgrade)
{
	const char *name = tc.conn_state(c);

	(void)upgrade;
	tc.send(c, name, strlen(name), 0);
	return tc.close(c, 0, NULL);
}

static int opened(tc_conf *cf, void **state)
{
	*state = (void *)tc.conf_str(cf, "say", "nothing");
	return TC_OK;
}
"""}


@pytest.fixture(params=["host", "worker"])
def two(start, plug, request):
    """A server with an HTTPS listener and one of streams; the latter's address."""
    plug.drop("greet", "greet", **GREET)
    server = start(
        listeners=[{"address": "127.0.0.1:0"}, {
            "address": "127.0.0.1:0", "stream": "greet",
            "settings": {"say": "stream"}}],
        alpn={"x": {"handler": "greet", "settings": {"say": "x"}}},
        handlers={"greet": {"isolation": request.param}},
        routes=[{"path": "/greet", "handler": "greet"}])
    listening = r"listening on tls://127\.0\.0\.1:(\d+)"
    port = re.search(listening, server.wait_log(listening)).group(1)
    server.stream = ("127.0.0.1", int(port))
    return server


def ask(server, address, *offered):
    """All that the server says on a new connection to the address, where it accepts what
    is offered by ALPN; a request is sent, for those who wait for one."""
    context = server.context()
    if offered:
        context.set_alpn_protocols(offered)
    with context.wrap_socket(socket.create_connection(address, harness.DEADLINE),
                             server_hostname="localhost") as sock:
        sock.sendall(b"GET /greet HTTP/1.1\r\nHost: localhost\r\n"
                     b"Connection: close\r\n\r\n")
        return harness.Client(sock).read_to_end()


def test_alpn_decides_and_else_the_listener(two):
    https = (two.host, two.port)
    assert https[1] != two.stream[1]
    assert ask(two, https).startswith(b"HTTP/1.1 200 OK")
    assert ask(two, https, "http/1.1").startswith(b"HTTP/1.1 200 OK")
    assert ask(two, https, "http/1.1", "x") == b"x"
    assert ask(two, two.stream) == b"stream"
    assert ask(two, two.stream, "http/1.1", "x") == b"x"


def test_http_cannot_be_had_where_the_listener_is_for_streams(two):
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        ask(two, two.stream, "h2", "http/1.1")


def choose(server, *offered):
    """What the server takes of that, in this order."""
    context = server.context()
    context.set_alpn_protocols(offered)
    with server.connect(context) as client:
        return client.sock.selected_alpn_protocol()


def test_names_are_chosen_in_the_order_of_the_file_until_a_reload_changes_them(start):
    server = start(alpn={"b": "line", "a": "line"})
    assert choose(server, "http/1.1", "a", "b") == "b"
    assert choose(server, "http/1.1", "a") == "a"
    assert choose(server, "c", "http/1.1") == "http/1.1"
    config = json.loads(server.config.read_text())
    server.config.write_text(json.dumps({**config, "alpn": {"c": "line"}}))
    done = harness.tincan("reload", "--config", server.config, folder=server.folder)
    assert done.returncode == 0, done.stderr
    assert choose(server, "b", "c", "http/1.1") == "c"
    assert choose(server, "b", "http/1.1") == "http/1.1"
