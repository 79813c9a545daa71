# SPDX-License-Identifier: MIT
"""W3C Trace Context: what a handler and the access log learn of a request's trace."""

import itertools
import re

import pytest

import harness
import plugs

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
numbers = itertools.count()  # of requests, to find their lines
TELLS = {"code": """
static const char *or_none(const char *text)
{
	return text == NULL ? "none" : text;
}
""", "first": """return tc.text(r, 200, tc_printf(r, "%s %s %s %s",
		    tc.info(r, "trace.id"), tc.info(r, "trace.parent"),
		    or_none(tc.header(r, "TraceState")), or_none(tc.info(r, "trace.x"))));
"""}


@pytest.fixture(scope="module", params=["host", "worker"])
def server(request, tmp_path_factory, certificates, make_config):
    folder = tmp_path_factory.mktemp("trace")
    plug = plugs.Plugs(folder)
    plug.drop("traced", "", **TELLS)
    running = harness.Server(folder, make_config(
        plugins={"directory": str(plug.directory)}, routes=[
            {"path": "/*", "handler": "traced"}],
        handlers={"traced": {"isolation": request.param}}), certificates)
    yield running
    running.stop()


@pytest.fixture(params=["--http1.1", "--http2"])
def ask(request, server):
    """Asks; what the handler says, and the line of the access log."""
    def ask(*fields):
        target = f"/{next(numbers)}"
        options = [x for field in fields for x in ("-H", field)]
        words = server.curl(target, request.param, *options).decode().split()
        return *words, server.wait_access(target)
    return ask


def test_goes_on_with_the_clients_trace(ask):
    trace, parent, state, unknown, line = ask(
        f"traceparent: {PARENT}", "tracestate: vendor=1")
    assert (trace, state, unknown) == (TRACE, "vendor=1", "none")
    assert parent == f"00-{TRACE}-{line['id']}-01"
    assert line["trace"] == TRACE


def test_begins_a_trace_where_there_is_none(ask):
    seen = set()
    for _ in range(5):
        trace, parent, _, _, line = ask()
        assert re.fullmatch("[0-9a-f]{32}", trace)
        assert parent == f"00-{trace}-{line['id']}-00"
        assert line["trace"] == trace
        seen |= {trace, line["id"]}
    assert len(seen) == 10


@pytest.mark.parametrize("fields", [
    [f"traceparent: {PARENT}", f"traceparent: {PARENT}"], [f"traceparent: {PARENT}-x"],
    [f"traceparent: {PARENT.upper()}"], [f"traceparent: ff{PARENT[2:]}"], []])
def test_one_that_is_not_valid_is_none(ask, fields):
    trace, parent, state, _, line = ask(*fields, "tracestate: vendor=1")
    assert (trace != TRACE, state, line["trace"]) == (True, "none", trace)
    assert parent.endswith("-00")


def test_a_later_version_is_read(ask):
    trace, parent, *_ = ask(f"traceparent: cc{PARENT[2:-2]}03-more")
    assert trace == TRACE
    assert (parent[:2], parent[-2:]) == ("00", "01")
