#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Does memory stay flat? 1,000,000 keep-alive requests on 64 connections, then 50,000 new
connections, half of them resumed, to two workers: with the handler in the workers, and
in processes of its own. Prints what each process holds after a warm-up and on the way.

    make bench/connect && TINCAN_BUILD=. bench/memory.py [REQUESTS [CONNECTIONS]]
"""

import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TOP / "tests/e2e"))
import harness  # noqa: E402

REQUESTS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
CONNECTIONS = int(sys.argv[2]) if len(sys.argv) > 2 else 50_000
WARM_UP = 20_000
SPREADS = 60


def memory(pid):
    """RSS, PSS and private memory of a process, in KB."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.findall(r"^(\w+): +(\d+) kB", text, re.M)
    sizes = {name: int(size) for name, size in found}
    return sizes["Rss"], sizes["Pss"], sizes["Private_Clean"] + sizes["Private_Dirty"]


def processes(server):
    yield "master", server.pid
    for i, pid in enumerate(server.workers):
        yield f"worker {i}", pid
    for i, pid in enumerate(sorted(server.hosts("hello"))):
        yield f"host {i}", pid


def say(server, when):
    for name, pid in processes(server):
        print("| {} | {} | {:,} | {:,} | {:,} |".format(when, name, *memory(pid)))
        when = ""
    sys.stdout.flush()


def ask(server, requests):
    done = subprocess.run(
        ["h2load", "--h1", "-n", str(requests), "-c", "64", server.url("/hello/x")],
        stdout=subprocess.PIPE, text=True, check=True)
    assert f" {requests} succeeded, 0 failed" in done.stdout, done.stdout
    return float(re.search(r", ([\d.]+) req/s", done.stdout).group(1))


def connect(server, connections):
    """Both kinds at the same time."""
    clients = [subprocess.Popen([harness.BUILD / "bench/connect", str(server.port),
                                 str(connections // 2), kind], stdout=subprocess.PIPE,
                                text=True) for kind in ("full", "resumed")]
    said = [client.communicate()[0].strip() for client in clients]
    assert not any(client.returncode for client in clients)
    return said


def measure(isolation, folder, certificates):
    server = harness.Server(folder, {
        "listeners": [{"address": "127.0.0.1:0"}],
        "certificates": [{"chain": str(certificates / "localhost.crt"),
                          "key": str(certificates / "localhost.key")}],
        "plugins": {"directory": str(harness.PLUGINS)},
        "handlers": {"hello": {"isolation": isolation}},
        "routes": [{"path": "/hello/{name}", "handler": "hello"}],
        "log": {"access": "access.log", "error": "-"},
        "workers": 2}, certificates)
    print(f"\n`\"isolation\": \"{isolation}\"`\n\n"
          "| after | process | RSS KB | PSS KB | private KB |\n|---|---|---:|---:|---:|")
    ask(server, WARM_UP)
    # The kernel spreads connections anew each time: until each worker has had its most.
    for _ in range(SPREADS):
        ask(server, 64 * 20)
    connect(server, WARM_UP // 20)
    say(server, "the warm-up")
    rates = []
    for part in range(1, 5):
        rates.append(ask(server, REQUESTS // 4))
        say(server, f"{part * REQUESTS // 4:,} requests")
    said = []
    for part in range(1, 3):
        said += connect(server, CONNECTIONS // 2)
        say(server, f"{part * CONNECTIONS // 2:,} connections")
    server.stop()
    print(f"\n{min(rates):,.0f} to {max(rates):,.0f} requests a second; "
          + "; ".join(said[-2:]))


def main():
    with tempfile.TemporaryDirectory() as name:
        certificates = pathlib.Path(name) / "certs"
        subprocess.run([TOP / "certs/make-dev-certs", certificates], check=True,
                       stdout=subprocess.DEVNULL)
        for isolation in ("worker", "host"):
            folder = pathlib.Path(name) / isolation
            folder.mkdir()
            measure(isolation, folder, certificates)


main()
