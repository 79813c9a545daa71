#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a handler that sleeps costs those who ask for another: the 99th percentile of
the time that hello takes, while 200 clients ask for a handler that sleeps 1 s, against
that of the idle server. Once with it in processes of its own, once on the worker's
threads.

One worker; the server on core 0, the clients on core 1. hello is asked for by one
connection, PAUSE apart, so that it measures delay and not how much the server can do.
Idle and loaded rounds take turns, so that a slow moment of the machine hits both.
Build with -O2.

    TINCAN_BUILD=. bench/blocking.py [ROUNDS [REQUESTS]]
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests/e2e"))
import harness  # noqa: E402
import plugs  # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
REQUESTS = int(sys.argv[2]) if len(sys.argv) > 2 else 3000
CLIENTS = 200
PAUSE = 0.0005  # seconds
KINDS = ("host", "worker")
TOGETHER = {"host": "processes", "worker": "threads"}
AT_ONCE = 32


def start(kind, folder, certificates):
    folder.mkdir()
    plug = plugs.Plugs(folder)
    plug.drop("sleeper", "slept", first="sleep(1);", fields=".flags = TC_BLOCKING")
    return harness.Server(folder, {
        "listeners": [{"address": "127.0.0.1:0"}],
        "certificates": [{"chain": str(certificates / "localhost.crt"),
                          "key": str(certificates / "localhost.key")}],
        "plugins": {"directory": str(plug.directory)},
        "handlers": {"hello": {"isolation": kind},
                     "sleeper": {"isolation": kind, TOGETHER[kind]: AT_ONCE,
                                 "timeout_ms": 60000}},
        "routes": [{"path": "/hello/{name}", "handler": "hello"},
                   {"path": "/sleeper", "handler": "sleeper"}],
        "log": {"access": "off", "error": "-"},
        "workers": 1}, certificates, prefix=("taskset", "-c", "0"))


def told(server):
    """What the server says of itself."""
    return json.loads(harness.tincan("status", "--json", "--config",
                                     server.config).stdout)


def answered(server):
    """How many have been, by the handler that sleeps."""
    return next(plugin["requests"] for plugin in told(server)["plugins"]
                if plugin["name"] == "sleeper")


def percentile(server):
    """The 99th, in microseconds."""
    took = []
    with server.connect() as client:
        for _ in range(REQUESTS):
            began = time.perf_counter_ns()
            reply = client.get("/hello/x")
            took.append(time.perf_counter_ns() - began)
            assert reply.status == 200
            time.sleep(PAUSE)
    return statistics.quantiles(took, n=100)[98] / 1000


def loaded(server):
    """The same under load, and how many have slept meanwhile."""
    sleepers = subprocess.Popen(
        ["wrk", "-t1", f"-c{CLIENTS}", "-d600", "--timeout", "60",
         server.url("/sleeper")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        before = answered(server)
        harness.wait_for(lambda: answered(server) >= before + AT_ONCE, "those first")
        before = answered(server)
        found = percentile(server)
        slept = answered(server) - before
    finally:
        sleepers.kill()
        sleepers.wait()
    assert slept > 0, "the load was none"
    harness.wait_for(lambda: told(server)["workers"][0]["connections"] == 0, "their end")
    return found, slept


def measure(server):
    rounds = []
    for _ in range(ROUNDS):
        idle = percentile(server)
        found, slept = loaded(server)
        rounds.append((idle, found, slept))
    return rounds


def show(kind, rounds):
    print(f"\n{kind}, {AT_ONCE} {TOGETHER[kind]}:\n\n"
          "| round | idle us | loaded us | ratio | slept meanwhile |\n"
          "|---|---:|---:|---:|---:|")
    for i, (idle, found, slept) in enumerate(rounds, 1):
        print(f"| {i} | {idle:.0f} | {found:.0f} | {found / idle:.2f} | {slept} |")
    ratios = [found / idle for idle, found, _ in rounds]
    print(f"\nThe ratio's median is {statistics.median(ratios):.2f}, "
          f"of {min(ratios):.2f} to {max(ratios):.2f}.")


def main():
    os.sched_setaffinity(0, {1})
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([TOP / "certs/make-dev-certs", folder / "certs"], check=True,
                       stdout=subprocess.DEVNULL)
        for kind in KINDS:
            server = start(kind, folder / kind, folder / "certs")
            percentile(server)
            rounds = measure(server)
            server.stop()
            show(kind, rounds)


main()
