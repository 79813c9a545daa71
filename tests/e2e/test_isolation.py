# SPDX-License-Identifier: MIT
"""A handler that dies costs the request that it was running, and nothing else."""

import concurrent.futures
import re

import pytest

import harness
import load

REQUESTS = 1000
AT_ONCE = 32
POISONED = range(50, REQUESTS, 100)  # ten of them
POISON = harness.BUILD / "tests/plugins/zoo/poison.so"
MEMORY = 64 << 20

# Each way of dying, and what the log says of it. A sanitizer sees some of them first.
WAYS = {
    "segv": r"signal 11 \(\w+ \w+\) at address 0x0, in die_of_segv\+0x",
    "abort": r"signal 6 \(Aborted\), in \.\.\., answer\+0x",
    "fpe": r"signal 8 .*, in die_of_fpe\+0x",
    "jump": r"signal 11",
    "stack": r"signal 11 .*, in go_deeper\+0x",
    "free": r"signal 6|ended with status 1",
    "heap": r"signal 6|ended with status 1",
    "memory": r"signal (6|11) .*'max_memory_bytes' used up",
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
        replies = load.ask_all(limited, AT_ONCE, targets(way))
    assert statuses(replies) == {
        target: [502 if f"/{way}?" in target else 200] for target in targets(way)}
    for reply in replies.values():
        if reply[0].status == 502:
            found = re.search(r"the handler crashed \(request (\w{16})\)", reply[0].text)
            limited.wait_log(f"crashed in on_request, request {found[1]}: .*{WAYS[way]}")
    assert limited.log.count("crashed in") == len(POISONED)


@pytest.mark.parametrize("way", MUTE_WAYS)
def test_of_1000_requests_all_are_answered_whatever_it_does_to_its_socket(limited, way):
    with load.Steady(limited), load.Steady(limited, "/files/file.bin"):
        replies = statuses(load.ask_all(limited, AT_ONCE, targets(way)))
    assert len(replies) == REQUESTS
    lost = sum(status == [502] for status in replies.values())
    assert all(status in ([200], [502]) for status in replies.values())
    # What was finished but cannot be told from garbage is lost, too; nothing else is.
    assert lost <= (len(POISONED) * AT_ONCE if "garbage" in way else len(POISONED))


def test_5_MB_downloads_go_on(limited, big):
    whole = (big / "file.bin").read_bytes()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        downloads = [pool.submit(limited.get, "/files/file.bin") for _ in range(20)]
        load.ask_all(limited, AT_ONCE, targets("segv"))
        assert all(download.result().body == whole for download in downloads)


# Hanging


@pytest.mark.parametrize("way, status", [("slow", 502), ("sleep", 504), ("loop", 504)])
def test_what_waits_behind_it_is_answered_by_the_next_process(start, way, status):
    server = start(workers=1, handlers={"poison": {"timeout_ms": 500}})
    before, = harness.wait_for(lambda: server.hosts("poison"), "its process")
    with concurrent.futures.ThreadPoolExecutor() as pool, load.Steady(server):
        first = pool.submit(server.get, f"/poison/{way}")
        server.wait_log("poison: waits")
        behind = [pool.submit(server.get, f"/poison/fine?{i}") for i in range(5)]
        assert first.result().status == status
        assert [reply.result().status for reply in behind] == [200] * 5
    assert before not in server.hosts("poison")


def test_hang_is_told_with_its_place(start):
    server = start(handlers={"poison": {"timeout_ms": 500}})
    reply = server.get("/poison/loop")
    assert reply.status == 504 and "did not answer in time (request " in reply.text
    server.wait_log("handler 'poison' does not come back from on_request")
    server.wait_log(r"crashed in on_request, .*signal 6 .*, in loop_for_ever\+0x")


def test_late_clients_leave_but_their_handler_ends_all_the_same(start):
    """Nobody waits for it any more, but it blocks those who come after."""
    server = start(workers=1, handlers={"poison": {"timeout_ms": 500}})
    client = server.connect()
    client.start("GET", "/poison/sleep")
    server.wait_log("poison: waits")
    client.close()
    assert server.get("/poison/fine").status == 200


def test_how_long_a_handler_takes_is_not_the_clients_timeout(start):
    server = start(timeouts={"body_ms": 200, "header_ms": 200, "idle_ms": 200},
                   handlers={"poison": {"timeout_ms": 1000}})
    with server.connect() as client:
        assert client.get("/poison/sleep").status == 504
        assert client.get("/hello/x").status == 200


# The breaker


def test_breaker_opens_when_nothing_but_crashes_comes(start):
    server = start(workers=1)
    with server.connect() as client:
        statuses = [client.get("/poison/segv").status for _ in range(5)]
        assert statuses == [502] * 5
        reply = client.get("/poison/fine")
        assert reply.status == 503 and 0 < int(reply.header("retry-after")) <= 30
        server.wait_log("'poison' has died 5 times without an answer between: 503")
        assert client.get("/hello/x").status == 200


def test_one_poisonous_request_among_good_ones_never_opens_it(start):
    server = start(workers=1)
    with server.connect() as client:
        for _ in range(20):
            assert client.get("/poison/abort").status == 502
            assert client.get("/poison/fine").status == 200
    assert "without an answer" not in server.log


def test_request_that_kills_it_is_not_repeated(start):
    server = start(workers=1)
    assert server.get("/poison/kill").status == 502
    assert server.get("/poison/fine").status == 200
    server.wait_log("crashed in")
    server.stop()
    assert server.log.count("crashed in") == 1
