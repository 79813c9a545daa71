#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the filters that ship cost: CPU time per request of hello in the worker, with each
of them in front of it, also in the worker, against hello alone.

One worker, 64 keep-alive connections; the server on core 0, wrk on core 1. The servers
take turns, so that a slow moment of the machine hits all. Build with -O2.

    TINCAN_BUILD=. bench/filters.py [ROUNDS [SECONDS]]
"""

import pathlib
import statistics
import subprocess
import tempfile

import isolation
from isolation import ROUNDS, SECONDS, harness, work

FIELDS = {"set": {"Strict-Transport-Security": "max-age=31536000",
                  "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}}
LIMIT = {"rate": 100000, "burst": 1000000}
KINDS = {
    "none": [],
    "headers": [{"handler": "headers", "settings": FIELDS}],
    "limit": [{"handler": "limit", "settings": LIMIT}],
    "compress": [{"handler": "compress"}],  # too short a reply to be compressed
}


def start(folder, certificates, filters):
    folder.mkdir()
    names = "hello", "headers", "limit", "compress"
    return harness.Server(folder, {
        "listeners": [{"address": "127.0.0.1:0"}],
        "certificates": [{"chain": str(certificates / "localhost.crt"),
                          "key": str(certificates / "localhost.key")}],
        "plugins": {"directory": str(harness.PLUGINS)},
        "handlers": {name: {"isolation": "worker"} for name in names},
        "routes": [{"path": "/hello/{name}", "handler": "hello"}],
        "filters": filters, "log": {"access": "off"}, "workers": 1,
    }, certificates, prefix=["taskset", "-c", "0"])


def measure(server):
    """Microseconds per request."""
    processes = harness.group_processes(server.pid)
    before = work.cpu_us(processes)
    requests = isolation.ask(server, SECONDS)
    return (work.cpu_us(processes) - before) / requests


def main():
    with tempfile.TemporaryDirectory() as folder:
        certificates = pathlib.Path(folder, "certs")
        subprocess.run([harness.TOP / "certs/make-dev-certs", certificates], check=True)
        servers = {kind: start(pathlib.Path(folder, kind), certificates, filters)
                   for kind, filters in KINDS.items()}
        for server in servers.values():
            isolation.ask(server, 1)
        rounds = []
        print("| round |", " | ".join(f"{kind} us" for kind in KINDS), "|")
        print("|---|" + "---:|" * len(KINDS))
        for number in range(ROUNDS):
            rounds.append({kind: measure(server) for kind, server in servers.items()})
            print(f"| {number + 1} |",
                  " | ".join(f"{us:.2f}" for us in rounds[-1].values()), "|", flush=True)
        for kind in list(KINDS)[1:]:
            ratio = statistics.median(one[kind] / one["none"] for one in rounds)
            print(f"{kind}: median ratio {ratio:.3f}")
        for server in servers.values():
            server.stop()


if __name__ == "__main__":
    main()
