#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What an idle WebSocket costs, and how long it takes to say something to all of them:
10,000 people in the chat, on two workers, with the handler in the workers and in
processes of its own. Memory is that of all processes of the server together.

    TINCAN_BUILD=. bench/websockets.py [PEOPLE [ROUNDS]]

Clients are a few processes, as one may have only so many files open. The time of a
broadcast ends when the last of them has read it: it contains their work too.
"""

import multiprocessing
import os
import pathlib
import queue
import re
import selectors
import socket
import ssl
import statistics
import struct
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests/e2e"))
import harness  # noqa: E402

PEOPLE = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 9
PROCESSES = 4
BATCH = 50  # connections made between two looks at those there are
KINDS = ("worker", "host")

TEXT, PING, PONG = 1, 9, 10
REQUEST = (b"GET /chat HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
           b"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")


def frame(opcode, data):
    """A client's short frame; its mask is 0."""
    length = bytes([0x80 | len(data)]) if len(data) < 126 else \
        b"\xfe" + struct.pack(">H", len(data))
    return bytes([0x80 | opcode]) + length + bytes(4) + data


class Person:
    """One WebSocket; what has come of a frame that is not whole waits in data."""

    def __init__(self, context, address, name):
        self.sock = context.wrap_socket(socket.create_connection(address),
                                        server_hostname="localhost")
        self.sock.sendall(REQUEST)
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            self.data += self.sock.recv(4096)
        head, _, self.data = self.data.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head
        self.say(name)
        self.sock.setblocking(False)

    def say(self, text):
        self.sock.sendall(frame(TEXT, text.encode()))

    def messages(self):
        """The texts that have come; pings are answered."""
        try:
            while data := self.sock.recv(16384):
                self.data += data
            raise EOFError
        except ssl.SSLWantReadError:
            pass
        at = 0
        while len(self.data) >= at + 2:
            opcode, size = self.data[at] & 15, self.data[at + 1]
            start = at + 2
            if size == 126:
                if len(self.data) < at + 4:
                    break
                size, start = int.from_bytes(self.data[at + 2:at + 4], "big"), at + 4
            if len(self.data) < start + size:
                break
            payload = self.data[start:start + size]
            at = start + size
            if opcode == PING:
                self.sock.sendall(frame(PONG, payload))
            elif opcode == TEXT:
                yield payload
        self.data = self.data[at:]


class Crowd:
    """The people of one client process, which tells the others of what they hear."""

    def __init__(self, address, certificates, first, count, results):
        self.selector = selectors.DefaultSelector()
        self.results = results
        self.heard = 0
        self.count = count
        context = ssl.create_default_context(cafile=certificates / "ca.crt")
        for i in range(first, first + count):
            person = Person(context, address, f"p{i}")
            self.selector.register(person.sock, selectors.EVENT_READ, person)
            if i % BATCH == 0:
                self.look(0)
        results.put(("there", time.monotonic()))

    def look(self, timeout):
        for key, _ in self.selector.select(timeout):
            self.heard += sum(b"\"text\":\"all " in x for x in key.data.messages())
        if self.heard >= self.count:
            self.heard -= self.count
            self.results.put(("heard", time.monotonic()))


def live(*arguments):
    crowd = Crowd(*arguments)
    while True:
        crowd.look(1)


def memory(pids):
    """PSS and private memory of the processes, in KB."""
    pss = private = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        found = re.findall(r"^(\w+): +(\d+) kB", text, re.M)
        sizes = {name: int(size) for name, size in found}
        pss += sizes["Pss"]
        private += sizes["Private_Clean"] + sizes["Private_Dirty"]
    return pss, private


def cpu_ms(pids):
    """The time that the threads of these processes have run."""
    return sum(int(task.read_text().split()[0]) for pid in pids
               for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e6


def start(kind, folder, certificates):
    folder.mkdir()
    return harness.Server(folder, {
        "listeners": [{"address": "127.0.0.1:0"}],
        "certificates": [{"chain": str(certificates / "localhost.crt"),
                          "key": str(certificates / "localhost.key")}],
        "plugins": {"directory": str(harness.PLUGINS), "serve_unrouted": False},
        "handlers": {"chat": {"isolation": kind}},
        "routes": [{"path": "/chat", "handler": "chat",
                    "settings": {"max_people": PEOPLE + 10}}],
        # Each worker has its share of them, and the kernel spreads them as it likes.
        "limits": {"max_connections": 2 * PEOPLE + 100,
                   "max_connections_per_address": 0},
        "log": {"access": "off", "error": "-"},
        "workers": 2}, certificates)


def collect(crowds, results, what):
    """The moment of the last process that tells that."""
    moments = []
    while len(moments) < PROCESSES:
        try:
            told, moment = results.get(timeout=1)
        except queue.Empty:
            assert all(crowd.is_alive() for crowd in crowds)
            continue
        assert told == what, told
        moments.append(moment)
    return max(moments)


def processes(server):
    yield "master", [server.pid]
    yield "workers", server.workers
    yield "hosts", server.hosts("chat")


def measure(server, certificates):
    """Memory before, with all people, of it each kind of process, and after some talk;
    the seconds until all were there, the milliseconds of each broadcast and those that
    the server's processes have run for one."""
    address = (server.host, server.port)
    results = multiprocessing.Queue()
    everything = harness.group_processes(server.pid)
    before = memory(everything)
    share = PEOPLE // PROCESSES
    began = time.monotonic()
    crowds = [multiprocessing.Process(target=live, daemon=True, args=(
        address, certificates, i * share, share, results)) for i in range(PROCESSES)]
    for crowd in crowds:
        crowd.start()
    connected = collect(crowds, results, "there") - began
    context = ssl.create_default_context(cafile=certificates / "ca.crt")
    caller = Person(context, address, "caller")
    caller.say("all are you there?")  # and what it sets up is there, too
    collect(crowds, results, "heard")
    time.sleep(5)  # the last numbers of people are told
    assert sorted(harness.group_processes(server.pid)) == sorted(everything)
    there = memory(everything)
    parts = {name: memory(pids) for name, pids in processes(server)}
    times = []
    cpu = cpu_ms(everything)
    for i in range(ROUNDS):
        asked = time.monotonic()
        caller.say(f"all {i}")
        times.append(1000 * (collect(crowds, results, "heard") - asked))
        time.sleep(1)
    cpu = (cpu_ms(everything) - cpu) / ROUNDS
    talked = memory(everything)
    for crowd in crowds:
        crowd.terminate()
        crowd.join()
    return before, there, parts, talked, connected, times, cpu


def report(kind, before, there, parts, talked, connected, times, cpu):
    people = PEOPLE // PROCESSES * PROCESSES
    each, private, later = ((now - then) / people for now, then in (
        (there[0], before[0]), (there[1], before[1]), (talked[0], before[0])))
    print(f"| {kind} | {before[0]:,} / {before[1]:,} | {there[0]:,} / {there[1]:,} "
          f"| {each:.2f} / {private:.2f} | {later:.2f} "
          f"| {statistics.median(times):.0f} ({min(times):.0f} to {max(times):.0f}) "
          f"| {cpu:.0f} | {connected:.0f} |")
    print("    of it " + ", ".join(f"{name} {pss:,} / {own:,}"
                                   for name, (pss, own) in parts.items()))
    sys.stdout.flush()


def main():
    print("| isolation | idle KB (PSS / private) | with all KB | each KB "
          "| each KB after talk | broadcast ms | of it server's CPU ms "
          "| connected in s |\n|---|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([TOP / "certs/make-dev-certs", folder / "certs"], check=True,
                       stdout=subprocess.DEVNULL)
        for kind in KINDS:
            server = start(kind, folder / kind, folder / "certs")
            try:
                report(kind, *measure(server, folder / "certs"))
                server.stop()
            finally:
                server.kill()
    print(f"\nLoad of the machine: {os.getloadavg()[0]:.1f}")


main()
