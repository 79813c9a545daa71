# SPDX-License-Identifier: MIT
"""The memory that a handler shares with itself, in whatever process it runs, and what it
outlives."""

import os
import shutil
import signal

import pytest

import harness
import plugs

TALLY = harness.BUILD / "tests/plugins/tally.so"
AT_ONCE = 20  # requests on connections of their own: both workers get some


@pytest.fixture
def start(start_server, tmp_path, isolation):
    plug = plugs.Plugs(tmp_path)
    plug.add(TALLY)

    def start(**settings):
        server = start_server(
            workers=2, plugins={"directory": str(plug.directory)},
            routes=[{"path": "/tally/*", "handler": "tally", "settings": settings}],
            handlers={"tally": {"isolation": isolation}})
        server.plug = plug
        return server
    return start


def count(server, version):
    """Counts on that many connections; all that they were told."""
    return [int(server.curl("/tally/count", version)) for _ in range(AT_ONCE)]


def tell(server):
    return int(server.get("/tally/tell").text)


def processes(server, isolation):
    return server.hosts("tally") if isolation == "host" else server.workers


def test_counts_over_all_workers_and_after_kills(start, isolation, version):
    server = start()
    assert count(server, version) == list(range(1, AT_ONCE + 1))
    for pid in processes(server, isolation):
        os.kill(pid, signal.SIGKILL)
    harness.wait_for(lambda: len(processes(server, isolation)) == 2, "new processes")
    assert count(server, version) == list(range(AT_ONCE + 1, 2 * AT_ONCE + 1))


def test_outlives_reload_and_another_version(start, isolation):
    server = start()
    count(server, "--http2")
    before = set(processes(server, isolation))
    harness.tincan("reload", "--config", server.config, folder=server.folder)
    assert tell(server) == AT_ONCE
    # Another file of that handler, the same but for a byte at its end.
    new = server.plug.workshop / "new"
    shutil.copy(TALLY, new)
    with open(new, "ab") as file:
        file.write(b"\0")
    new.rename(server.plug / "tally.so")
    server.wait_log("handler 'tally', version .* is live in place of")
    server.wait_log("generation 3 serves")
    if isolation == "host":
        harness.wait_for(lambda: not before & set(server.hosts("tally")), "new hosts")
    assert tell(server) == AT_ONCE


def test_another_size_starts_with_zeros(start):
    server = start(size=64)
    count(server, "--http2")
    text = server.config.read_text()
    server.config.write_text(text.replace('"size": 64', '"size": 128'))
    harness.tincan("reload", "--config", server.config, folder=server.folder)
    assert tell(server) == 0
    server.config.write_text(text)
    harness.tincan("reload", "--config", server.config, folder=server.folder)
    assert tell(server) == AT_ONCE


@pytest.mark.parametrize("settings", [
    {"size": 64 * 1024 * 1024 + 1}, {"size": 1 << 40}, {"size": 0}, {"name": "No"},
    {"name": "x" * 48}])
def test_gets_none_past_the_bounds(start, settings):
    server = start(may_fail=True, **settings)
    assert server.get("/tally/tell").text == "none"
    server.wait_log("gets no shared memory")


def test_gets_all_of_64_MiB(start):
    server = start(size=64 * 1024 * 1024)
    assert count(server, "--http2") == list(range(1, AT_ONCE + 1))


def test_no_other_handlers_processes_map_it(start, isolation):
    server = start()
    count(server, "--http2")
    mine = {server.pid, *processes(server, isolation)}  # and the master, for its figures
    for pid in harness.group_processes(server.pid):
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
            assert ("/memfd:tincan-shared" in maps.read()) == (pid in mine)


def test_a_handler_that_crashes_a_worker_finds_it_in_its_host(start, isolation):
    if isolation == "host":
        pytest.skip("it is in a host already")
    server = start()
    count(server, "--http2")
    with server.connect() as client:
        client.start("GET", "/tally/die")
        assert client.ended()
    server.wait_log("from now on it runs in a process of its own")
    harness.wait_for(lambda: len(server.hosts("tally")) == 2, "its hosts")
    assert tell(server) == AT_ONCE
