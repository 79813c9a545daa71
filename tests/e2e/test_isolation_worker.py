# SPDX-License-Identifier: MIT
"""A handler inside the workers: the same file, the same answers, and a crash that moves
it out into a process of its own."""

import re

import pytest

import harness
import load
import plugs

IN_WORKER = {"isolation": "worker"}


@pytest.fixture
def plug(tmp_path):
    plug = plugs.Plugs(tmp_path)
    plug.add(harness.BUILD / "tests/plugins/zoo/poison.so")
    return plug


@pytest.fixture
def start(start_server, plug):
    def start(**changes):
        return start_server(**{
            "plugins": {"directory": str(plug.directory)}, "routes": [],
            "handlers": {"poison": IN_WORKER}, **changes})
    return start


def die(server, target):
    """Asks for what ends a worker, and with it the connection."""
    with server.connect() as client:
        client.start("GET", target)
        assert client.ended()


def moved(server):
    server.wait_log("handler 'poison' has crashed a worker: from now on it runs in a "
                    "process of its own")
    harness.wait_for(lambda: len(server.hosts("poison")) == 2, "its processes")


def test_handler_cannot_tell_where_it_is(start_server):
    replies = []
    for isolation in "host", "worker":
        server = start_server(handlers={"echo": {"isolation": isolation}})
        reply = server.request("POST", "/echo/a%20b/c?d", "X-Y: z", "X-Y: zz",
                               body="body")
        replies.append(re.sub(r"\b(\d{5}|[0-9a-f]{16})\b", "#", reply.text))
        assert reply.status == 200
    assert replies[0] == replies[1]


def test_one_that_crashes_a_worker_is_moved_into_a_process(start):
    server = start()
    assert server.get("/poison/fine").status == 200 and not server.hosts("poison")
    die(server, "/poison/kill")
    server.wait_log(r"worker \d+ \(pid \d+\) died: signal 9 .*'poison', on_request")
    moved(server)
    harness.wait_for(lambda: server.get("/poison/abort").status == 502, "a reply")
    workers = harness.wait_for(lambda: len(server.workers) == 2 and server.workers, "two")
    with server.connect() as client:  # one worker: its breaker counts by itself
        for _ in range(10):
            assert client.get("/poison/abort").status == 502
            assert client.get("/poison/fine").status == 200
    assert set(workers) <= set(server.workers)


def test_others_in_the_worker_stay_there(start):
    server = start(handlers={"poison": IN_WORKER, "hello": IN_WORKER})
    die(server, "/poison/abort")
    moved(server)
    assert server.get("/hello/x").status == 200 and not server.hosts("hello")


def test_reload_of_the_same_file_does_not_move_it_back(start):
    server = start()
    die(server, "/poison/abort")
    moved(server)
    with load.Steady(server, "/poison/fine", connections=4):
        done = harness.tincan("reload", "--config", server.config)
        assert done.returncode == 0
    assert len(server.hosts("poison")) == 2


def test_new_file_goes_into_the_workers_again(start, plug):
    server = start()
    die(server, "/poison/abort")
    moved(server)
    plug.drop("poison", "better", fields='.route = "/poison/*"')
    plugs.answers(server, "/poison/fine", "better")
    harness.wait_for(lambda: not server.hosts("poison"), "the end of its processes")


def test_replacement_under_load_loses_nothing(start, plug):
    plug.drop("other", "0")
    server = start(handlers={"other": IN_WORKER})
    with load.Steady(server, "/other", connections=16, pause=0.01):
        for i in range(1, 6):
            plug.drop("other", f"{i}")
            plugs.answers(server, "/other", f"{i}")


def test_new_version_that_crashes_a_worker_is_rolled_back(start, plug):
    plug.drop("fresh", "one")
    server = start(handlers={"fresh": IN_WORKER})
    assert server.get("/fresh").text == "one"
    plug.drop("fresh", "two", first="if (tc.query(r)[0] != 0) abort();")
    plugs.answers(server, "/fresh", "two")
    die(server, "/fresh?die")
    server.wait_log("handler 'fresh' has crashed a worker")
    harness.wait_for(lambda: len(server.workers) == 2, "a new worker")
    harness.wait_for(lambda: server.get("/fresh?die").status in (200, 502), "a reply")


def test_reload_keeps_what_is_in_the_workers(start):
    server = start(handlers={"hello": IN_WORKER})
    with load.Steady(server, connections=4):
        for _ in range(3):
            assert harness.tincan("reload", "--config", server.config).returncode == 0
            for _ in range(10):
                assert server.get("/hello/x").status == 200


HANGS = {  # which callback hangs, when its first request asks for it
    "on_request": ("while (tc.query(r)[0] != 0) pause();", "", "on_request"),
    "timer": ("if (tc.query(r)[0] != 0) tc.after(1, hang, NULL);", "", "a timer"),
    "watch": ("if (tc.query(r)[0] != 0 && pipe(fds) == 0 && write(fds[1], fds, 1) == 1)"
              " tc.watch(fds[0], TC_READ, ready, NULL);", "", "a watch"),
    "post": ("if (tc.query(r)[0] != 0) tc.post(tc.loop(), hang, NULL);", "", "a post"),
    "close": ("", ".on_close = hang", "on_close"),
}
CODE = """
static int fds[2];

static void hang(void *arg)
{
	(void)arg;
	while (getpid() != 0) {
		pause();
	}
}

static void ready(void *arg, int events)
{
	(void)events;
	hang(arg);
}

void *const used[] = { (void *)fds, (void *)ready };
"""


@pytest.mark.parametrize("where", HANGS)
def test_one_that_hangs_in_a_worker_is_ended_with_it(start, plug, where):
    first, fields, callback = HANGS[where]
    plug.drop("stuck", "well", code=CODE, first=first, fields=fields)
    server = start(workers=1, handlers={
        "stuck": {**IN_WORKER, "timeout_ms": 500}, "hello": IN_WORKER})
    worker, = server.workers
    with server.connect() as client:
        client.start("GET", "/stuck?hang")
        if where == "close":
            plug.drop("stuck", "better")
        server.wait_log(rf"worker 0: handler 'stuck' does not come back from {callback}:")
        client.ended()
    server.wait_log(r"worker 0 \(pid \d+\) died: signal 9 .*'stuck'")
    harness.wait_for(lambda: server.workers not in ([], [worker]), "the next worker")
    assert server.get("/hello/x").status == 200
    assert server.get("/stuck").status == 200
