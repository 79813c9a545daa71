#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a keeper that takes 100 ms for a signature does to connections that are there: the
p99 of requests on 32 of them, while 8 clients make new connections all the time.

The keeper is stopped and woken by signals, so that an answer waits 100 ms and not more.
Server on core 0, clients on core 1; the two take turns. Build with -O2.

    make all bench && bench/slow_keeper.py [ROUNDS [SECONDS]]
"""

import contextlib
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import threading

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP / "bench/lib"), str(TOP / "tests/e2e")]
import harness  # noqa: E402
import peers  # noqa: E402
import work  # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 7
SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 3
SLOW_S = 0.1
AWAKE_S = 0.002     # enough for what has waited


@contextlib.contextmanager
def slowed(pid):
    done = threading.Event()

    def drag():
        while not done.is_set():
            os.kill(pid, signal.SIGSTOP)
            done.wait(SLOW_S)
            os.kill(pid, signal.SIGCONT)
            done.wait(AWAKE_S)

    thread = threading.Thread(target=drag)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextlib.contextmanager
def newcomers(port):
    """Says at the end how many handshakes they have made."""
    loop = f"while :; do '{harness.BUILD}/bench/connect' {port} 40 full /small 8; done"
    with subprocess.Popen([*work.CLIENT, "sh", "-c", loop], stdout=subprocess.PIPE,
                          process_group=0, text=True) as clients:
        made = []
        try:
            yield made
        finally:
            os.killpg(clients.pid, signal.SIGTERM)
            made.append(40 * len(clients.stdout.read().splitlines()))


def measure(server):
    """p50 and p99 in us, and handshakes a second, meanwhile."""
    with newcomers(server.port) as made:
        said = json.loads(work.client(harness.BUILD / "bench/load", server.port, "/small",
                                      32, SECONDS))
    if said["failed"] or said["broken"]:
        raise RuntimeError(said)
    return said["p50_us"], said["p99_us"], made[0] / SECONDS


def main():
    found = {"quick": [], "slow": []}
    with tempfile.TemporaryDirectory(prefix="tincan-bench-") as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        server = peers.Tincan(peers.Site(folder), folder / "server")
        keeper = next(pid for pid in server.pids if harness.name(pid) == "tincan-keeper")
        try:
            measure(server)
            for _ in range(ROUNDS):
                found["quick"].append(measure(server))
                with slowed(keeper):
                    found["slow"].append(measure(server))
        finally:
            server.stop()
    print("| keeper | p50 us | p99 us: median (least to most) | handshakes/s |\n"
          "|---|---:|---:|---:|")
    for kind, rounds in found.items():
        p50, p99, made = zip(*rounds)
        print(f"| {kind} | {statistics.median(p50):.0f} | {statistics.median(p99):.0f} "
              f"({min(p99):.0f} to {max(p99):.0f}) | {statistics.median(made):.0f} |")


main()
