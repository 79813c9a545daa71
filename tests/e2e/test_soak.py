# SPDX-License-Identifier: MIT
"""All at once, for ten minutes if TINCAN_LONG=1 says so: HTTP/1.1, HTTP/2 and WebSockets,
a handler that keeps crashing, reloads, drop-ins, keepers that are killed, and hostile
clients. No reply is wrong, no connection is cut, and in the end memory and descriptors
are what they were when it had warmed up."""

import json
import os
import pathlib
import random
import re
import signal
import threading
import time
import traceback

import pytest

import h2
import harness
import plugs
import test_hostile
import ws

LONG = "TINCAN_LONG" in os.environ
SECONDS = 600 if LONG else 8
FLAT = (8 if LONG else 64) << 20  # bytes that a process may grow by; the first are many
BODY = random.Random(1).randbytes(300000)
WAYS = "abort", "exit", "segv", "kill", "heap", "shut", "garbage"


class Server(harness.Server):
    """One whose plugin directory and configuration change under it."""

    def __init__(self, folder, config, certificates):
        self.plug = plugs.Plugs(folder)
        for name in "echo", "files", "status", "hello":
            self.plug.add(harness.PLUGINS / f"{name}.so")
        self.plug.add(harness.BUILD / "tests/plugins/zoo/poison.so")
        self.plug.drop("guest", "version 0")
        (folder / "data.bin").write_bytes(BODY)
        (folder / "big.bin").touch()
        os.truncate(folder / "big.bin", 64 << 20)  # the hostile want it
        config["plugins"] = {"directory": str(self.plug.directory)}
        config["handlers"] = {"poison": {"timeout_ms": 1000}}
        config["alpn"] = {test_hostile.STREAM: "echo"}
        config["routes"].append({"path": "/files/*", "handler": "files",
                                 "settings": {"root": str(folder)}})
        super().__init__(folder, config, certificates)
        self.expected_reports = "double-free|heap-buffer-overflow"  # the poison's


# What clients do, on a connection of their own each time


def ask(client, dice):
    for _ in range(dice.randrange(1, 30)):
        text = "%x" % dice.getrandbits(64)
        assert client.get(f"/hello/{text}").text == f"Hello, {text}!\n"
        reply = client.request("POST", "/echo", body=(text * 50).encode())
        assert reply.status == 200 and text * 50 in reply.text, reply
    reply = client.get("/files/data.bin")
    assert reply.status == 200 and reply.body == BODY


def http1(server, dice):
    with server.connect() as client:
        ask(client, dice)


def http2(server, dice):
    with h2.connect(server) as client:
        streams = [client.start("GET", "/files/data.bin") for _ in range(3)]
        ask(client, dice)
        for stream in streams:
            assert client.reply(stream).body == BODY


def websocket(server, dice):
    with dice.choice([*ws.OPEN.values()])(server, "/echo") as socket:
        for _ in range(20):
            text = "%x" % dice.getrandbits(999)
            assert socket.ask(text) == text
        socket.close(1000)
        assert socket.read_close() == 1000


def poison(server, dice):
    """Whose breaker may be open."""
    with server.connect() as client:
        assert client.get(f"/poison/{dice.choice(WAYS)}").status in (502, 503, 504)
        assert client.get("/poison/fine").status in (200, 502, 503)
    time.sleep(0.2)


def hostile(server, dice):
    name = dice.choice([*test_hostile.ATTACKS])
    try:
        test_hostile.ATTACKS[name](server)
    except Exception as error:
        raise AssertionError(name) from error


# What operators do


def drop_in(server, dice):
    text = "version %x" % dice.getrandbits(32)
    server.plug.drop("guest", text)
    plugs.answers(server, "/guest", text)


def reload(server, dice):
    config = json.loads(server.config.read_text())
    config["timeouts"] = {"idle_ms": dice.randrange(60000, 90000)}
    server.config.write_text(json.dumps(config))
    done = harness.tincan("reload", "--config", server.config)
    assert done.returncode == 0 or "the keeper has died" in done.stderr, done.stderr
    time.sleep(0.5)


def kill_keeper(server, _dice):
    for pid in harness.children(server.pid):
        if harness.name(pid) == "tincan-keeper":
            os.kill(pid, signal.SIGKILL)
    # What waited for that one waits for the next, but no more than once: so many that
    # each worker has one among them, behind those that wait.
    for _ in range(16):
        server.connect().close()
    time.sleep(2)


PARTS = (http1, http1, http2, http2, websocket, poison, hostile, drop_in, reload,
         kill_keeper)


def go_on(server, seconds):
    """All parts at once, each over and over; how often each was done."""
    end = time.monotonic() + seconds
    done = {part.__name__: 0 for part in PARTS}
    failures = []

    def work(part, seed):
        dice = random.Random(seed)
        try:
            while time.monotonic() < end and not failures:
                part(server, dice)
                done[part.__name__] += 1
        except Exception as error:
            text = "".join(traceback.format_exception(error))
            failures.append(f"{part.__name__}: {text[-4000:]}")

    threads = [threading.Thread(target=work, args=(part, seed))
               for seed, part in enumerate(PARTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, "\n".join(failures) + server.log[-3000:]
    return done


# What is left of it


def steady(server):
    """The processes that are to last."""
    return [server.pid, *server.workers,
            *(pid for name in ("hello", "echo", "files") for pid in server.hosts(name))]


def memory(server):
    """Of each, the bytes that are its own."""
    return {pid: int(re.search(r"RssAnon:\s*(\d+)", pathlib.Path(
        f"/proc/{pid}/status").read_text())[1]) << 10 for pid in steady(server)}


def descriptors(server):
    return sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in steady(server))


def rest(server):
    """Waits until no client is left but the one who asks."""
    def connections():
        workers = server.get("/status").json["workers"].values()
        return sum(worker["tincan_connections"] for worker in workers)

    harness.wait_for(lambda: connections() == 1, "the last client's end")


@pytest.fixture
def server(tmp_path, make_config, certificates):
    running = Server(tmp_path, make_config(), certificates)
    yield running
    running.stop()


def test_all_at_once(server):
    go_on(server, SECONDS / 4)
    rest(server)
    pids, before, opened = steady(server), memory(server), descriptors(server)
    done = go_on(server, SECONDS * 3 / 4)
    rest(server)
    harness.wait_for(lambda: descriptors(server) <= opened, f"{opened} descriptors")
    print(done, before, memory(server), opened, descriptors(server))
    assert all(done.values()), done
    assert steady(server) == pids, server.log[-3000:]
    if not harness.SANITIZED:
        assert all(memory(server)[pid] - before[pid] < FLAT for pid in pids)
