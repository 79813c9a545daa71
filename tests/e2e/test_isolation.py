# SPDX-License-Identifier: MIT
"""A handler that dies costs the request that it was running, and nothing else."""

import re
import threading
import time

import pytest

import harness
import load

REQUESTS = 1000
AT_ONCE = 32
POISONED = range(50, REQUESTS, 100)  # ten of them
POISON = harness.BUILD / "tests/plugins/zoo/poison.so"
MEMORY = 256 << 20

# Each way of dying, and what the log says of it. A sanitizer sees some of them first.
WAYS = {
    "segv": r"signal 11",
    "abort": r"signal 6",
    "fpe": r"signal 8",
    "jump": r"signal 11",
    "stack": r"signal 11",
    "free": r"signal 6|ended with status 1",
    "heap": r"signal 6|ended with status 1",
    "memory": r"signal (6|11)",
    "exit": r"it called exit\(0\)",
    "_exit": r"ended with status 3",
    "kill": r"signal 9",
    "close": r"signal 9",
    "shut": r"signal 9",
    "garbage": r"signal 9",
}
# These answer, too, but nobody can hear it, or tell it from garbage.
MUTE_WAYS = ["close-and-answer", "shut-and-answer", "garbage-and-answer"]
SEEN_BY_ASAN = r"double-free|heap-buffer-overflow"


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    """A folder with poison, hello and files."""
    folder = tmp_path_factory.mktemp("plugins")
    for source in [POISON, harness.PLUGINS / "hello.so", harness.PLUGINS / "files.so"]:
        (folder / source.name).write_bytes(source.read_bytes())
    return folder


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A folder with a file of 5 MB."""
    folder = tmp_path_factory.mktemp("big")
    (folder / "file.bin").write_bytes(bytes(range(250)) * 20000)
    return folder


@pytest.fixture
def start(start_server, plugins, big):
    def start(**changes):
        server = start_server(**{
            "plugins": {"directory": str(plugins)},
            "routes": [
                {"path": "/hello/{name}", "handler": "hello"},
                {"path": "/poison/*", "handler": "poison"},
                {"path": "/files/*", "handler": "files", "settings": {"root": str(big)}}],
            **changes})
        server.expected_reports = SEEN_BY_ASAN
        return server
    return start


@pytest.fixture
def limited(start):
    """Two workers, and a limit that only the memory hog notices."""
    limit = 0 if harness.SANITIZED else MEMORY
    return start(handlers={"poison": {"timeout_ms": 10000, "max_memory_bytes": limit}})


def targets(way):
    """A thousand of them, each with a number of its own."""
    return [f"/poison/{way if i in POISONED else 'fine'}?{i}" for i in range(REQUESTS)]


def statuses(replies):
    return {target: [reply.status for reply in all] for target, all in replies.items()}


# Dying


@pytest.mark.parametrize("way", WAYS)
def test_of_1000_requests_the_10_that_kill_it_are_lost(limited, way):
    if way == "memory" and harness.SANITIZED:
        pytest.skip("a sanitizer needs more address space than any limit leaves")
    with load.Steady(limited), load.Steady(limited, "/files/file.bin"):
        replies = load.Crowd(limited, AT_ONCE).run(targets(way))
    assert statuses(replies) == {
        target: [502 if f"/{way}?" in target else 200] for target in targets(way)}
    for reply in replies.values():
        if reply[0].status == 502:
            request = re.search(r"the handler crashed \(request (\w{16})\)", reply[0].text)
            limited.wait_log(f"crashed in on_request, request {request[1]}: .*{WAYS[way]}")
    assert limited.log.count("crashed in") == len(POISONED)


@pytest.mark.parametrize("way", MUTE_WAYS)
def test_of_1000_requests_all_are_answered_whatever_it_does_to_its_socket(limited, way):
    with load.Steady(limited), load.Steady(limited, "/files/file.bin"):
        replies = statuses(load.Crowd(limited, AT_ONCE).run(targets(way)))
    assert len(replies) == REQUESTS
    lost = sum(status == [502] for status in replies.values())
    assert all(status in ([200], [502]) for status in replies.values())
    # What was finished but cannot be told from garbage is lost, too; nothing else is.
    assert lost <= (len(POISONED) * AT_ONCE if "garbage" in way else len(POISONED))
