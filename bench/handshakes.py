#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What the keeper costs: CPU time per full handshake of all of the server's processes,
against the same server with the private key in its worker (bench/keys_here.c).

One worker; the server on core 0, the clients, each of which makes one connection after
the other with a request on it, on core 1. Both servers take turns, so that a slow moment
of the machine hits both. Build with -O2, then make bench/connect bench/keys-here.

    TINCAN_BUILD=. bench/handshakes.py [ROUNDS [HANDSHAKES]]
"""

import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TOP / "bench/lib"), str(TOP / "tests/e2e")]
import harness  # noqa: E402
import work  # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
HANDSHAKES = int(sys.argv[2]) if len(sys.argv) > 2 else 1600
BUDGET_US = 35
KEYS = {
    "ECDSA P-256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "RSA-2048": ["rsa:2048"],
    "Ed25519": ["ed25519"],
}
CLIENTS = (1, 16)
PLACES = {"worker": "bench/keys-here", "keeper": "tincan"}


def make_key(folder, kind):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", *KEYS[kind], "-noenc", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
         folder / "key.pem", "-out", folder / "chain.pem"], check=True,
        stderr=subprocess.DEVNULL)


def install(folder, program):
    """That program as tincan, with its others beside it."""
    folder.mkdir()
    shutil.copy(harness.BUILD / program, folder / "tincan")
    for other in ("tincan-host", "tincan-keeper"):
        shutil.copy(harness.BUILD / other, folder)
    return folder / "tincan"


def start(folder, program):
    """In a folder of its own, in that of the key."""
    folder.mkdir()
    return harness.Server(folder, {
        "listeners": [{"address": "127.0.0.1:0"}],
        "certificates": [{"chain": "../chain.pem", "key": "../key.pem"}],
        "plugins": {"directory": str(harness.PLUGINS)},
        "handlers": {"hello": {"isolation": "worker"}},
        "routes": [{"path": "/hello/{name}", "handler": "hello"}],
        "log": {"access": "off", "error": "-"},
        "workers": 1}, folder, prefix=("taskset", "-c", "0"), program=program)


def shake_hands(server, clients):
    subprocess.run(
        ["taskset", "-c", "1", harness.BUILD / "bench/connect", str(server.port),
         str(HANDSHAKES), "full", "/hello/x", str(clients)], check=True,
        stdout=subprocess.DEVNULL)


def measure(server, clients):
    """Microseconds per handshake."""
    everything = harness.group_processes(server.pid)
    before = work.cpu_us(everything)
    shake_hands(server, clients)
    return (work.cpu_us(everything) - before) / HANDSHAKES


def compare(kind, servers, clients):
    print(f"\n{kind}, {clients} at once:\n\n"
          "| round | worker us | keeper us | more |\n|---|---:|---:|---:|")
    rounds = []
    for number in range(1, ROUNDS + 1):
        found = {place: measure(server, clients) for place, server in servers.items()}
        rounds.append(found["keeper"] - found["worker"])
        print(f"| {number} | {found['worker']:.0f} | {found['keeper']:.0f} | "
              f"{rounds[-1]:.0f} |", flush=True)
    print(f"\nThe median is {statistics.median(rounds):.0f} us more, of "
          f"{min(rounds):.0f} to {max(rounds):.0f}; the budget is {BUDGET_US}.")


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        programs = {place: install(folder / place, program)
                    for place, program in PLACES.items()}
        for number, kind in enumerate(KEYS):
            place = folder / str(number)
            place.mkdir()
            make_key(place, kind)
            servers = {where: start(place / where, program)
                       for where, program in programs.items()}
            for clients in CLIENTS:
                for server in servers.values():
                    shake_hands(server, clients)
                compare(kind, servers, clients)
            for server in servers.values():
                server.stop()


main()
