#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What isolation costs: CPU time per request of all of the server's processes, hello in a
process of its own against hello in the worker; and what such a process holds for itself.

One worker, 64 keep-alive connections; the server on core 0, wrk on core 1. Both servers
take turns, so that a slow moment of the machine hits both. Build with -O2.

    TINCAN_BUILD=. bench/isolation.py [ROUNDS [SECONDS]]
"""

import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP / "bench/lib"), str(TOP / "tests/e2e")]
import harness  # noqa: E402
import work  # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
SECONDS = int(sys.argv[2]) if len(sys.argv) > 2 else 10
KINDS = ("worker", "host")


def busy_us():
    """The time that all cores have not been idle."""
    times = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    ticks = sum(map(int, times)) - int(times[3]) - int(times[4])
    return ticks * 1_000_000 / os.sysconf("SC_CLK_TCK")


def private_kb(pid):
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    sizes = re.findall(r"^Private_\w+: +(\d+) kB", text, re.M)
    return sum(int(size) for size in sizes)


def ask(server, seconds):
    done = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", "-c64", f"-d{seconds}",
                           server.url("/hello/x")],
                          stdout=subprocess.PIPE, text=True, check=True)
    assert not re.search("Non-2xx|Socket errors", done.stdout), done.stdout
    return int(re.search(r"(\d+) requests in", done.stdout).group(1))


def measure(server):
    """Microseconds per request: all processes, and the hosts of them; requests a second;
    and how many cores others than server and client were using meanwhile."""
    everything = harness.group_processes(server.pid)
    hosts = server.hosts("hello")
    def read():
        client = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (work.cpu_us(everything), work.cpu_us(hosts), busy_us(),
                (client.ru_utime + client.ru_stime) * 1_000_000)

    before = read()
    requests = ask(server, SECONDS)
    all_us, hosts_us, machine_us, client_us = (
        after - earlier for after, earlier in zip(read(), before))
    others = max(0, machine_us - all_us - client_us) / (SECONDS * 1_000_000)
    return all_us / requests, hosts_us / requests, requests / SECONDS, others


def start(kind, folder, certificates):
    folder.mkdir()
    return harness.Server(folder, {
        "listeners": [{"address": "127.0.0.1:0"}],
        "certificates": [{"chain": str(certificates / "localhost.crt"),
                          "key": str(certificates / "localhost.key")}],
        "plugins": {"directory": str(harness.PLUGINS)},
        "handlers": {"hello": {"isolation": kind}},
        "routes": [{"path": "/hello/{name}", "handler": "hello"}],
        "log": {"access": "off", "error": "-"},
        "workers": 1}, certificates, prefix=("taskset", "-c", "0"))


def main():
    results = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([TOP / "certs/make-dev-certs", folder / "certs"], check=True,
                       stdout=subprocess.DEVNULL)
        servers = {kind: start(kind, folder / kind, folder / "certs")
                   for kind in KINDS}
        idle_kb = private_kb(*servers["host"].hosts("hello"))
        for kind in KINDS:
            ask(servers[kind], 1)
        for _ in range(ROUNDS):
            for kind in KINDS:
                results[kind].append(measure(servers[kind]))
        busy_kb = private_kb(*servers["host"].hosts("hello"))
        for server in servers.values():
            server.stop()
    print("| round | worker us | worker + host us | of it the host us | ratio "
          "| requests/s | cores used by others |\n|---|---:|---:|---:|---:|---|---|")
    for i, (inside, apart) in enumerate(zip(results["worker"], results["host"]), 1):
        print(f"| {i} | {inside[0]:.2f} | {apart[0]:.2f} | {apart[1]:.2f} "
              f"| {apart[0] / inside[0]:.3f} | {inside[2]:,.0f}, {apart[2]:,.0f} "
              f"| {inside[3]:.2f}, {apart[3]:.2f} |")
    ratio = statistics.median(apart[0] for apart in results["host"]) / \
        statistics.median(inside[0] for inside in results["worker"])
    print(f"\nRatio of the medians: {ratio:.3f}. Private memory of the host: "
          f"{idle_kb} KB idle, {busy_kb} KB after the load.")


if __name__ == "__main__":
    main()
