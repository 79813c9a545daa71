# SPDX-License-Identifier: MIT
"""Descriptors run out: the n-th that a process opens is refused, and all after it, for
every n of what it is at. What needs none goes on, what does is refused in words, and when
there are some again all is as it was."""

import contextlib
import os
import resource
import signal

import pytest

import h2
import harness
import plugs
import ws

BODY = b"0123456789abcdef" * 1000
MOST = 40  # descriptors that anything here takes


def start(folder, make_config, certificates, isolation):
    plug = plugs.Plugs(folder)
    for name in "echo", "files", "status":
        plug.add(harness.PLUGINS / f"{name}.so")
    (folder / "data.bin").write_bytes(BODY)
    config = make_config(
        workers=1, plugins={"directory": str(plug.directory)},
        handlers={name: {"isolation": isolation} for name in ("hello", "echo", "files")})
    config["routes"].append({"path": "/files/*", "handler": "files",
                             "settings": {"root": str(folder)}})
    return harness.Server(folder, config, certificates)


@pytest.fixture(params=["host", "worker"])
def opener(request, tmp_path, make_config, certificates):
    """A server whose files are opened by that process, and the process."""
    server = start(tmp_path, make_config, certificates, request.param)
    pid, = server.hosts("files") if request.param == "host" else server.workers
    yield server, pid
    server.stop()


@pytest.fixture
def server(tmp_path, make_config, certificates):
    running = start(tmp_path, make_config, certificates, "host")
    yield running
    running.stop()


@contextlib.contextmanager
def few(pid, more):
    """Leaves a process so many descriptors more than it has."""
    used = [int(name) for name in os.listdir(f"/proc/{pid}/fd")]
    free = [fd for fd in range(max(used) + 2 + more) if fd not in used]
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free[more], before[1]))
    try:
        yield
    finally:
        # Those that it has started have its limit; a keeper may be another user's.
        for one in pid, *harness.children(pid):
            with contextlib.suppress(PermissionError, ProcessLookupError):
                resource.prlimit(one, resource.RLIMIT_NOFILE, before)


def get_file(client):
    """Whether there was a descriptor for it; else it was refused in words."""
    reply = client.get("/files/data.bin")
    if reply.status == 200:
        assert reply.body == BODY
    else:
        assert reply.status in (500, 503), reply
    return reply.status == 200


def check_others(client):
    """What opens nothing."""
    assert client.get("/hello/x").text == "Hello, x!\n"
    assert BODY in client.request("POST", "/echo", body=BODY).body


def check_others_anew(server):
    with server.connect() as client:
        check_others(client)


def test_of_who_opens_files(opener):
    server, pid = opener
    done = []
    with server.connect() as http1, h2.connect(server) as http2, \
            ws.open_h1(server, "/echo") as socket:
        while not done or not done[-1]:
            assert len(done) < MOST
            with few(pid, len(done)):
                done.append(all([get_file(http1), get_file(http2)]))
                check_others(http1)
                check_others(http2)
                assert socket.ask("hello") == "hello"
            assert get_file(http1) and get_file(http2)
    assert len(done) > 1


def test_of_who_accepts(server):
    worker, = server.workers
    with server.connect() as client:
        check_others(client)
        with few(worker, 0):
            sock = server.tcp()
            server.wait_log("out of file descriptors")
            check_others(client)
        with harness.Client(server.context().wrap_socket(
                sock, server_hostname="localhost")) as waited:
            check_others(waited)


# The master


def opened(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def wait_closed(server, before):
    harness.wait_for(lambda: opened(server) <= before, "the end of what it has opened")


def test_a_reload_that_finds_none_says_so(server):
    before = opened(server)
    refused = 0
    n = 1  # for the command itself
    with server.connect() as client:
        while refused == n - 1:
            assert n < MOST
            with few(server.pid, n):
                answer = harness.tincan("reload", "--config", server.config)
                check_others(client)
            if answer.returncode != 0:
                assert "Too many open files" in answer.stderr, answer.stderr
                refused += 1
            wait_closed(server, before)
            n += 1
    assert refused > 0
    check_others_anew(server)


def hosts(server):
    return server.hosts("status")


def workers(server):
    return server.workers


def keeper(server):
    return [pid for pid in harness.children(server.pid)
            if harness.name(pid) == "tincan-keeper"]


def wait_all(server):
    for target in "/hello/x", "/status":
        harness.wait_for(lambda: server.get(target).status == 200, target)


NO_WORKER = "cannot start worker 0: Too many open files"
NO_HOST = "cannot start a process for handler 'status': Too many open files"
NO_KEEPER = "cannot start the keeper: Too many open files"
UNCONNECTED = "cannot connect worker 0 with the keeper: Too many open files"
KEEPER_DIED = r"the keeper \(pid \d+\) died: exit"  # with none to sort its own by


# The master has one for each worker and one for the keeper: who dies gives it back.
@pytest.mark.parametrize("processes, more, lack", [
    pytest.param(hosts, 0, NO_HOST, id="host-0"),
    pytest.param(hosts, 3, NO_HOST, id="host-3"),
    pytest.param(workers, 0, NO_WORKER, id="worker-0"),
    pytest.param(workers, 1, UNCONNECTED, id="worker-1"),
    pytest.param(workers, 2, NO_HOST, id="worker-2"),
    pytest.param(keeper, 0, NO_KEEPER, id="keeper-0"),
    pytest.param(keeper, 1, KEEPER_DIED, id="keeper-1")])
def test_who_dies_meanwhile_is_replaced_later(server, processes, more, lack):
    before = opened(server)
    check_others_anew(server)
    with few(server.pid, more):
        pid, = processes(server)
        os.kill(pid, signal.SIGKILL)
        server.wait_log(lack)
    wait_all(server)
    wait_closed(server, before)
    # It may have been tried many times.
    assert server.log.count(lack) <= 1
    assert len(processes(server)) == 1 and pid not in processes(server)


def test_no_host_starts_with_a_part_of_what_it_needs(server):
    with few(server.pid, 6):
        pid, = hosts(server)
        os.kill(pid, signal.SIGKILL)
        server.wait_log(rf"handler 'status', .* process (?!{pid}:)\d+: ")
    # It may have died so often by now that there is no next one for a while.
    assert harness.tincan("reset", "status", "--config", server.config).returncode == 0
    wait_all(server)
