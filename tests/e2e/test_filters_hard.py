# SPDX-License-Identifier: MIT
"""Filters where it is hard: in front of every kind of handler, with much to pass, with
clients that leave, while the server is reloaded or stopped, and when filters fail."""

import hashlib
import os
import signal
import subprocess
import threading

import pytest

import harness
import plugs

ISOLATIONS = ["worker", "host"]
VERSIONS = ["--http1.1", "--http2"]
LARGE = 100 << 20

# Says each call that ends a request; swallows bodies if it is told to.
WARDEN = """
static int seen(tc_req *r)
{
	const char *what = tc.header(r, "x-warden");

	if (what != NULL && strcmp(what, "next and fail") == 0) {
		tc.next(r);
		return TC_FAIL;
	}
	if (what != NULL && strcmp(what, "start and next") == 0) {
		tc.start(r, 403, NULL);
		return TC_NEXT;
	}
	return what != NULL && strcmp(what, "stay") == 0 ? TC_LATER : TC_NEXT;
}

static int upper(tc_req *r, const void *data, size_t size, int last)
{
	const char *from = data;
	char *to = malloc(size + 1);
	int rc;

	for (size_t i = 0; i < size; i++) {
		to[i] = from[i] >= 'a' && from[i] <= 'z' ? from[i] - 32 : from[i];
	}
	rc = tc.pass(r, to, size, last);
	free(to);
	return rc;
}

static void gone(tc_req *r)
{
	const char *what = tc.header(r, "x-warden");

	tc_log(TC_INFO, "warden gone %s", tc.path(r));
	if (what != NULL && strcmp(what, "stay") == 0) {
		(void)tc.abort(r);
	}
}

static void done(tc_req *r)
{
	tc_log(TC_INFO, "warden done %s", tc.path(r));
}
"""
CALLS = ".on_filter = seen, .on_gone = gone, .on_done = done"


@pytest.fixture(params=ISOLATIONS)
def isolation(request):
    return request.param


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


@pytest.fixture
def plug(tmp_path):
    plug = plugs.Plugs(tmp_path)
    for name in ["sieve", "later"]:
        plug.add(harness.BUILD / f"tests/plugins/{name}.so")
    plug.add(harness.PLUGINS / "files.so")
    plug.drop("warden", "", request=CALLS, code=WARDEN)
    plug.drop("upper", "", request=CALLS + ", .on_piece = upper", code=WARDEN)
    plug.drop("called", "called", first='tc_log(TC_INFO, "called was called");')
    return plug


@pytest.fixture
def start(start_server, isolation, plug, tmp_path, monkeypatch):
    (tmp_path / "site").mkdir()
    # What a sanitizer keeps of freed memory is not ours.
    monkeypatch.setenv("ASAN_OPTIONS", ":".join(filter(None, [
        os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1"])))

    def start(*filters, handlers={}, **changes):
        return start_server(**{
            "workers": 1, "filters": [*filters],
            "plugins": {"directory": str(plug.directory)},
            "routes": [{"path": "/files/*", "handler": "files",
                        "settings": {"root": str(tmp_path / "site")}}],
            "handlers": {**{name: {"isolation": isolation}
                            for name in ["sieve", "warden", "upper"]},
                         **handlers}, **changes})
    return start


def memory(pid):
    """The most that a process has had resident so far, in bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(x for x in status if x.startswith("VmHWM"))
    return int(line.split()[1]) << 10


def count(server, text):
    return server.log.count(text)


# Failures of a filter


def test_a_filter_that_fails_having_let_go_lets_nobody_in(start, version):
    server = start("warden")
    # Of a reply that breaks off the header may have gone out, or not.
    for what, seen in [("next and fail", ["500"]), ("start and next", ["403", "000"])]:
        done = subprocess.run(
            ["curl", "-s", version, "-k", "-m", "10", "-H", f"X-Warden: {what}",
             "-o", "/dev/null", "-w", "%{http_code}", server.url("/called")],
            stdout=subprocess.PIPE, text=True, check=False)
        assert done.stdout in seen and done.returncode != 28
    assert server.get("/called").text == "called"
    server.wait_log("called was called")
    assert count(server, "called was called") == 1


# Much to pass


@pytest.mark.parametrize("filters", [["warden"], ["upper"]])
def test_a_large_file_passes_in_little_memory(start, version, tmp_path, filters):
    server = start(*filters)
    block = os.urandom(1 << 20).replace(b"a", b"A")
    if filters == ["upper"]:
        block = block.hex().upper().encode()[:1 << 20]
    with open(tmp_path / "site/large", "wb") as file:
        for _ in range(LARGE >> 20):
            file.write(block)
    server.curl("/files/large", version, "--range", "0-1")
    before = memory(server.workers[0])
    curl = subprocess.Popen(
        ["curl", "-s", "-k", version, server.url("/files/large")],
        stdout=subprocess.PIPE)
    found, expected = hashlib.sha256(), hashlib.sha256()
    while piece := curl.stdout.read(1 << 20):
        found.update(piece)
    assert curl.wait(harness.DEADLINE) == 0
    for _ in range(LARGE >> 20):
        expected.update(block)
    assert found.digest() == expected.digest()
    assert memory(server.workers[0]) - before < 32 << 20


# Clients that leave


@pytest.mark.parametrize("stage", ["asked", "behind", "passing"])
def test_a_client_that_leaves_is_told_once(start, stage):
    server = start("warden")
    target = {"asked": "/later/asked", "behind": "/later/keep",
              "passing": "/later/stream?-1"}[stage]
    path = target.partition("?")[0]
    with server.connect() as client:
        client.start("GET", target, *(["X-Warden: stay"] if stage == "asked" else []))
        if stage == "passing":
            assert client.read_head().status == 200
        else:
            assert server.get("/called").status == 200
    server.wait_log(f'warden done {path}"')
    lines = [x for x in server.log.splitlines() if path in x and "warden" in x]
    assert [x.split("warden ")[1].split()[0] for x in lines] == ["gone", "done"]


# Reload and stop


def test_no_request_fails_as_filters_are_reloaded(start):
    server = start("warden", "sieve")
    stop, failed, served = threading.Event(), [], []

    def ask():
        while not stop.is_set():
            reply = server.get("/called")
            (served if reply.status == 200 else failed).append(reply.status)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        for generation in range(2, 5):
            before = len(served)
            server.signal(signal.SIGHUP)
            server.wait_log(f"generation {generation} serves")
            harness.wait_for(lambda: len(served) > before + 3, "more replies")
    finally:
        stop.set()
        thread.join()
    assert failed == [] and len(served) > 9


def test_stop_waits_for_a_reply_that_passes(start):
    server = start("upper")
    with server.connect() as client:
        # More than anybody keeps for a client that does not read.
        client.start("GET", "/later/stream?8000")
        reply = client.read_head()
        assert reply.header("transfer-encoding") == "chunked"
        server.signal(signal.SIGTERM)
        # To the last chunk, which says that it is whole (RFC 9112 section 7.1).
        client.read_chunks(reply)
        assert reply.body.count(b"DATA: ") == 8000 and b"DATA: 00000001 " in reply.body
        assert client.ended()
    server.wait_exit()
