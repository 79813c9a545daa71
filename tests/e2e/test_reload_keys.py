# SPDX-License-Identifier: MIT
"""What a reload changes in processes that run: nothing is left as it was by mistake."""

import json
import pathlib
import signal

import pytest

import harness


def change(server, **changes):
    config = json.loads(server.config.read_text())
    config.update(changes)
    server.config.write_text(json.dumps(config))


def reload(server, **changes):
    change(server, **changes)
    done = harness.tincan("reload", "--config", server.config, folder=server.folder)
    assert done.returncode == 0, done.stderr


def both_hosts(server):
    """The processes of hello, once both are what they are to be."""
    harness.wait_for(lambda: len(server.hosts("hello")) == 2, "its processes")
    return server.hosts("hello")


def memory_limits(pids):
    """Soft and hard, of each process."""
    return [line.split()[3:5] for pid in pids
            for line in pathlib.Path(f"/proc/{pid}/limits").read_text().splitlines()
            if line.startswith("Max address space")]


def test_a_handler_that_moves_into_the_workers_leaves_no_process(start_server):
    server = start_server(handlers={"echo": {"isolation": "worker"}})
    both_hosts(server)
    reload(server, handlers={"hello": {"isolation": "worker"}})
    harness.wait_for(lambda: not server.hosts("hello"), "the end of its processes")
    assert server.get("/hello/x").text == "Hello, x!\n"
    assert "crashed" not in server.log
    reload(server, handlers={})
    both_hosts(server)
    assert server.get("/hello/x").text == "Hello, x!\n"


@pytest.mark.skipif(harness.SANITIZED, reason="a sanitizer reserves terabytes")
def test_max_memory_bytes_counts_for_the_processes_that_run(start_server):
    server = start_server()
    before = both_hosts(server)
    limit = str(1 << 30)
    reload(server, handlers={"hello": {"max_memory_bytes": 1 << 30}})
    assert memory_limits(server.hosts("hello")) == [[limit, limit]] * 2
    assert server.hosts("hello") == before
    assert server.get("/hello/x").status == 200


def test_the_control_socket_moves(start_server):
    server = start_server(control="run/old.sock")
    change(server, control="run/new.sock")
    server.signal(signal.SIGHUP)  # the command looks in the new place already
    server.wait_log("generation 2 serves")
    reload(server)
    assert (server.folder / "run/new.sock").stat().st_mode & 0o777 == 0o600
    assert not (server.folder / "run/old.sock").exists()


def test_a_control_socket_that_cannot_be_made_changes_nothing(start_server):
    server = start_server(control="run/old.sock")
    (server.folder / "taken").write_text("")
    change(server, control="taken", routes=[])
    server.signal(signal.SIGHUP)
    server.wait_log("a file at the place of the control socket")
    assert server.get("/hello/x").status == 200
    reload(server, control="run/old.sock")
    assert server.get("/hello/x").status == 404
