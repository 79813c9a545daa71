# SPDX-License-Identifier: MIT
"""How requests end that pass through filters: reset by their client at each step, slow to
be taken, or with a crash of a filter in the worker."""

import contextlib
import os
import pathlib
import random
import socket

import pytest

import h2
import harness
import plugs

MUCH = (100 if os.environ.get("TINCAN_LONG") else 16) << 20
# What may lie between a filter and a client that has stopped reading, beside the
# kernel's buffers: pieces in both exchanges and on the way to a host and back.
BETWEEN = 2 << 20

# Says each call. The request tells it what to do: "stay" keeps it, "pause" lets it go on
# in a while, "nap" takes its time for each piece, "sum" only adds up what passes.
WITNESS = """
#include <stdio.h>

static long long passed;

static void say(tc_req *r, const char *what)
{
	const char *name = tc.header(r, "x-case");

	if (name != NULL) {
		tc_log(TC_INFO, "NAME %s %s.", what, name);
	}
}

static int told(tc_req *r, const char *what)
{
	const char *field = tc.header(r, "x-NAME");

	return field != NULL && strcmp(field, what) == 0;
}

static void go_on(void *r)
{
	(void)tc.next(r);
}

static int seen(tc_req *r)
{
	say(r, "asked");
	if (told(r, "stay")) {
		return TC_LATER;
	}
	if (told(r, "pause")) {
		tc.set_data(r, tc.after(30000, go_on, r));
		return TC_LATER;
	}
	return TC_NEXT;
}

static int look(tc_req *r, int status)
{
	(void)status;
	say(r, "reply");
	return TC_OK;
}

static int piece(tc_req *r, const void *data, size_t size, int last)
{
	passed += (long long)size;
	if (told(r, "nap")) {
		say(r, "piece");
		usleep(20000);
	}
	return tc.pass(r, data, size, last);
}

static void gone(tc_req *r)
{
	say(r, "gone");
	if (told(r, "pause")) {
		tc.cancel(tc.data(r));
	}
	if (told(r, "stay") || told(r, "pause")) {
		(void)tc.abort(r);
	}
}

static void done(tc_req *r)
{
	say(r, "done");
}

static int tell(tc_req *r)
{
	return tc.text(r, 200, tc_printf(r, "%lld\\n", passed));
}
"""
CALLS = (".on_filter = seen, .on_reply = look, .on_piece = piece, .on_gone = gone, "
         ".on_done = done, .on_request = tell")
NAMES = "first", "second"

# A request, and what is there when its client resets it: a line of the log, or so many
# bytes of its reply.
STEPS = {
    "at-once": ("/later/keep", [], None),
    "asked": ("/later/keep", ["x-first: stay"], "first asked"),
    "asked-second": ("/later/keep", ["x-second: stay"], "second asked"),
    "paused": ("/later/keep", ["x-first: pause"], "first asked"),
    "behind": ("/later/keep", [], "second asked"),
    "reply": ("/later/stream?-1", [], "first reply"),
    "in-piece": ("/files/much", ["x-second: nap"], "second piece"),
    "between-pieces": ("/later/stream?-1", [], 3000),
    "window-shut": ("/files/much", [], 65535),
    "ended": ("/called", [], 6),
}


@pytest.fixture(scope="module", params=["worker", "host"])
def server(request, tmp_path_factory, make_config, certificates):
    folder = tmp_path_factory.mktemp("ends")
    plug = plugs.Plugs(folder)
    plug.add(harness.BUILD / "tests/plugins/later.so")
    plug.add(harness.PLUGINS / "files.so")
    plug.drop("called", "called")
    for name in NAMES:
        plug.drop(name, "", request=CALLS, code=WITNESS.replace("NAME", name))
    (folder / "site").mkdir()
    (folder / "site/much").write_bytes(random.Random(3).randbytes(1 << 20) * (MUCH >> 20))
    with pytest.MonkeyPatch.context() as patch:
        # What a sanitizer keeps of freed memory is not ours.
        patch.setenv("ASAN_OPTIONS", ":".join(filter(None, [
            os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=1"])))
        running = harness.Server(folder, make_config(
            workers=1, filters=[*NAMES], plugins={"directory": str(plug.directory)},
            routes=[{"path": "/files/*", "handler": "files",
                     "settings": {"root": str(folder / "site")}}],
            handlers={name: {"isolation": request.param} for name in NAMES}),
            certificates)
    yield running
    running.stop()


def said(server, case):
    """What each filter has said of that request."""
    words = [line.partition(f" {case}.")[0].split()[-2:]
             for line in server.log.splitlines() if f" {case}." in line]
    return {name: [word for who, word in words if who.endswith(name)] for name in NAMES}


@pytest.mark.parametrize("step", STEPS)
def test_a_stream_that_is_reset_is_told_once(server, step):
    target, fields, until = STEPS[step]
    with h2.connect(server, opens_windows=step != "window-shut") as client:
        stream = client.start("GET", target, f"x-case: {step}", *fields)
        if isinstance(until, int):
            client.wait_body(stream, until)
        elif until:
            server.wait_log(f"{until} {step}")
        client.reset(stream)
        # Nobody else on the connection sees any of it.
        client.update_window(0, 1 << 20)
        assert client.get("/called").text == "called"

    def all_done():
        words = said(server, step).values()
        return all(x.count("asked") == x.count("done") for x in words)

    harness.wait_for(all_done, "on_done of who was asked")
    # What of it is still to come comes before this.
    assert server.get("/called", f"X-Case: behind-{step}").status == 200
    server.wait_log(f"first done behind-{step}")
    for name, words in said(server, step).items():
        assert words.count("done") == words.count("asked") <= 1, (name, words)
        assert words.count("gone") == (bool(words) and step != "ended"), (name, words)
        assert not words or words[-1] == "done", (name, words)


@pytest.mark.parametrize("steps", [list(STEPS)[:6] * 5])
def test_many_resets_at_once_are_told_once_each(server, steps):
    with h2.connect(server) as client:
        streams = []
        for i, step in enumerate(steps):
            target, fields, _ = STEPS[step]
            streams.append(client.start("GET", target, f"x-case: many-{i}", *fields))
        client.send(b"".join(h2.rst_stream(stream) for stream in streams[::2]))
        client.round_trip()
        client.send(b"".join(h2.rst_stream(stream) for stream in streams[1::2]))
        client.round_trip()
        assert client.get("/called").text == "called"
    for i in range(len(steps)):
        harness.wait_for(lambda: all(x.count("asked") == x.count("done") <= 1
                         for x in said(server, f"many-{i}").values()), f"the end of {i}")


# A client that takes its time


def peak(pid):
    """The most that a process has had resident so far, in bytes."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) << 10
    return 0


def passed(server):
    """What has gone through on_piece; of this question a few bytes more."""
    return int(server.get("/first").text)


@contextlib.contextmanager
def little_memory(server):
    """Meanwhile none of the server's processes grows much."""
    server.request("HEAD", "/files/much")
    before = {pid: peak(pid) for pid in harness.group_processes(server.pid)}
    yield
    grown = {harness.name(pid): peak(pid) - size for pid, size in before.items()}
    assert max(grown.values()) < 10 << 20, grown


def test_a_slow_client_holds_up_the_filter_and_nothing_grows(server):
    content = (server.folder / "site/much").read_bytes()
    start = passed(server)
    with little_memory(server), h2.connect(server, opens_windows=False) as client:
        stream = client.start("GET", "/files/much")
        body = client.stream(stream).body
        window = h2.WINDOW
        while len(body) < MUCH:
            client.wait_body(stream, min(window, MUCH))
            assert passed(server) - start < len(body) + BETWEEN
            step = MUCH // 10
            client.update_window(stream, step)
            client.update_window(0, step)
            window += step
        assert client.reply(stream).body == content
    assert passed(server) - start >= MUCH


def kernel_buffers(client):
    """What the kernel may hold between the server and that client."""
    largest = pathlib.Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2]
    return int(largest) + client.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)


def test_a_slow_client_of_http1_holds_up_the_filter_and_nothing_grows(server):
    content = (server.folder / "site/much").read_bytes()
    start = passed(server)
    with little_memory(server), server.connect() as client:
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        most = BETWEEN + kernel_buffers(client)
        assert most < MUCH * 9 // 10
        client.start("GET", "/files/much")
        assert client.read_head().header("transfer-encoding") == "chunked"
        body, rest = bytearray(), 0
        while size := int(client.read_line(), 16):
            if len(body) >= rest:
                # Each question is a turn of the worker, in which it could go on.
                for _ in range(20):
                    assert passed(server) - start < len(body) + most
                rest += MUCH // 5
            body += client.read(size)
            assert client.read(2) == b"\r\n"
        assert body == content
    assert passed(server) - start >= MUCH


# A crash of a filter in the worker


@pytest.mark.parametrize("callback", ["filter", "reply", "piece", "done"])
def test_a_filter_that_crashes_a_worker_is_moved_into_a_process(
        start_server, tmp_path, callback):
    plug = plugs.Plugs(tmp_path)
    plug.add(harness.BUILD / "tests/plugins/sieve.so")
    plug.drop("called", "called", first='tc_log(TC_INFO, "called was called");')
    server = start_server(
        workers=1, filters=["sieve"], routes=[],
        plugins={"directory": str(plug.directory)},
        handlers={"sieve": {"isolation": "worker"}, "called": {"isolation": "worker"}})
    assert server.get("/called").header("x-seen") == "s 200"
    server.wait_log("called was called")
    crash = f"X-Sieve: s crash {callback}"
    with server.connect() as client:
        client.start("GET", "/called", crash)
        if callback == "done":
            # All had been said.
            client.read_to_end()
        else:
            assert client.ended()
    server.wait_log(rf"worker 0 .* died: .*'sieve', on_{callback}")
    server.wait_log("handler 'sieve' has crashed a worker: from now on it runs in a "
                    "process of its own")
    # What was refused had come to nobody.
    assert server.log.count("called was called") == 1 + (callback != "filter")
    harness.wait_for(lambda: len(server.hosts("sieve")) == 1, "its process")
    reply = server.get("/called")
    assert (reply.status, reply.header("x-seen")) == (200, "s 200")
    worker = server.workers
    assert server.get("/called", crash).status == (200 if callback == "done" else 502)
    reply = harness.wait_for(
        lambda: (x := server.get("/called")).status == 200 and x, "the next process")
    assert reply.header("x-seen") == "s 200"
    assert server.workers == worker
