# SPDX-License-Identifier: MIT
"""The rows of the table: a kind of work, the load that makes it, and what it cost the
server in CPU time per unit. The clients run on core 1."""

import dataclasses
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile

import harness

CLIENT = ("taskset", "-c", "1")
HANDSHAKES = 800  # of one measurement
SHAKERS = 8  # that many at once: a server that is alone with one mostly waits
ROUTES = 10, 10_000
IDLE = 9_000  # haproxy keeps two descriptors for each of what may come
MIB = 1 << 20
ENVIRONMENT = dict(os.environ)  # of the clients


@dataclasses.dataclass
class Sample:
    """What one measurement saw. Units: those of the row."""

    cost: float
    rate: float = 0.0  # units of work a second
    p50_us: float = 0.0
    p99_us: float = 0.0


def cpu_us(pids):
    """The time that the threads of these processes have run."""
    total = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(task.read_text().split()[0])
            except OSError:
                pass  # it has just ended
    return total / 1000


def memory_kib(pids):
    """What these processes hold, shared pages divided among who shares them."""
    return sum(int(re.search(r"^Pss: +(\d+) kB", pathlib.Path(
        f"/proc/{pid}/smaps_rollup").read_text(), re.M).group(1)) for pid in pids)


def client(*arguments):
    done = subprocess.run([*CLIENT, *map(str, arguments)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False, env=ENVIRONMENT)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
    return done.stdout


def microseconds(text):
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]


def wrk(port, target, connections, seconds):
    """Requests, seconds, p50, p99."""
    said = client("wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds}",
                  f"https://localhost:{port}{target}")
    if re.search(r"Non-2xx|Socket errors: connect [1-9]", said):
        raise RuntimeError(said)
    requests, took = re.search(r"(\d+) requests in ([\d.]+\w+),", said).groups()
    if requests == "0":
        raise RuntimeError("no request was answered")
    p50, p99 = (microseconds(re.search(rf"^ +{share}% +(\S+)", said, re.M).group(1))
                for share in (50, 99))
    return int(requests), microseconds(took) / 1e6, p50, p99


def h2load(port, target, seconds, *options):
    """The same; latencies from the client's own list of requests."""
    with tempfile.NamedTemporaryFile("r") as log:
        said = client("h2load", "--warm-up-time=0", f"--duration={seconds}",
                      f"--log-file={log.name}", *options,
                      f"https://localhost:{port}{target}")
        took = sorted(int(line.split("\t")[2]) for line in log)
    good = int(re.search(r"(\d+) 2xx", said).group(1))
    if good == 0 or re.search(r" [1-9]\d* (4xx|5xx)", said):
        raise RuntimeError(said)
    return good, seconds, *(took[int(share * len(took))] for share in (0.50, 0.99))


class Row:
    """name and unit are for people; needs is what a server must be able to do."""

    fresh = False  # measured once in the life of a server, which has done nothing before
    to_nginx = True  # the bar is a share of nginx's cost, not a cost

    def __init__(self, name, unit, needs, load, per=1.0, bar=None, kind="ecdsa"):
        self.name, self.unit, self.needs, self.load = name, unit, needs, load
        self.per = per      # microseconds of CPU in one of the unit, by pieces of work
        self.bar = bar or {}    # of ours, by server: at most so much of nginx
        self.kind = kind

    def measure(self, server, seconds):
        before = cpu_us(server.pids)
        units, took, p50, p99 = self.load(server.port, seconds)
        spent = cpu_us(server.pids) - before
        return Sample(spent / units * self.per, units / took, p50, p99)


def handshakes(how):
    def load(port, _seconds):
        said = client(harness.BUILD / "bench/connect", port, HANDSHAKES, how,
                      "/small", SHAKERS)
        count, resumed, rate = re.match(
            r"(\d+) connections, (\d+) resumed, (\d+) a second", said).groups()
        if how == "resumed" and int(resumed) < HANDSHAKES - SHAKERS:
            raise RuntimeError(f"only {resumed} resumed")
        tails = re.search(r"p50 (\d+) us, p99 (\d+) us", said)
        return int(count), int(count) / int(rate), *map(float, tails.groups())
    return load


def upload(port, seconds):
    with tempfile.NamedTemporaryFile() as body:
        body.write(bytes(MIB))
        body.flush()
        return h2load(port, "/upload", seconds, "--h1", "-c8", "-d", body.name)


class Idle(Row):
    """Memory, not CPU: what a connection that only is there costs."""

    fresh = True

    def measure(self, server, seconds):
        before = memory_kib(server.pids)
        with subprocess.Popen(
                [*CLIENT, harness.BUILD / "bench/load", str(server.port), "/small",
                 str(IDLE), "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                text=True, env=ENVIRONMENT) as holder:
            if holder.stdout.readline() != "open\n":
                raise RuntimeError("not all connections could be opened")
            grown = memory_kib(server.pids) - before
            holder.stdin.close()
        return Sample(grown / IDLE)


class Routes(Row):
    """By how much a request of the last route costs more where there are many of them."""

    to_nginx = False

    def measure(self, server, seconds):
        few, many = (self._cost(server, routes, seconds) for routes in ROUTES)
        return Sample(many.cost / few.cost, many.rate, many.p50_us, many.p99_us)

    def _cost(self, like, routes, seconds):
        server = type(like)(like.site, like.folder / str(routes), like.kind, routes)
        try:
            last = f"/r{routes - 1}/small"
            row = Row(self.name, "us", self.needs,
                      lambda port, took: wrk(port, last, 64, took))
            row.measure(server, 1)  # warms up
            return row.measure(server, seconds)
        finally:
            server.stop()
            shutil.rmtree(server.folder)


class Reloads(Row):
    """Five reloads under load: connections that ended under their client."""

    to_nginx = False

    def measure(self, server, seconds):
        with subprocess.Popen(
                [*CLIENT, harness.BUILD / "bench/load", str(server.port), "/small", "32",
                 str(max(5, seconds))], stdout=subprocess.PIPE, text=True,
                env=ENVIRONMENT) as load:
            for _ in range(5):
                try:
                    load.wait(0.8)
                    raise RuntimeError("the load ended early")
                except subprocess.TimeoutExpired:
                    server.reload()
            said = json.loads(load.stdout.read())
        return Sample(said["broken"], said["replies"] / said["seconds"],
                      said["p50_us"], said["p99_us"])


def small(port, seconds):
    return wrk(port, "/small", 64, seconds)


ROWS = (
    Row("small HTTP/1.1, keep-alive", "us", "small", small,
        bar={"tincan": 0.75, "tincan isolated": 1.0}),
    Row("HTTP/2, 16 x 32 streams", "us", "h2",
        lambda port, seconds: h2load(port, "/small", seconds, "-c16", "-m32"),
        bar={"tincan": 0.25}),
    Row("HTTP/2, 64 x 1 stream", "us", "h2",
        lambda port, seconds: h2load(port, "/small", seconds, "-c64", "-m1"),
        bar={"tincan": 0.85}),
    Row("full handshake, ECDSA P-256", "us", "small", handshakes("full"),
        bar={"tincan": 1.05}),
    Row("resumed handshake", "us", "small", handshakes("resumed"),
        bar={"tincan": 0.87}),
    Row("full handshake, RSA-2048", "us", "small", handshakes("full"),
        bar={"tincan": 1.0}, kind="rsa"),
    Row("download, 1 MiB files", "ms/GB", "big",
        lambda port, seconds: wrk(port, "/big", 8, seconds),
        per=1e9 / MIB / 1000, bar={"tincan": 0.65}),
    Row("upload, 1 MiB bodies", "ms/GB", "upload", upload,
        per=1e9 / MIB / 1000, bar={"tincan": 1.0}),
    Idle("an idle connection", "KiB", "idle", None, bar={"tincan": 0.98}),
    Routes("10 to 10,000 routes", "ratio", "routes", None,
           bar={"tincan": 1.05, "tincan isolated": 1.05}),
    Reloads("broken by 5 reloads", "connections", "reload", None,
            bar={"tincan": 0, "tincan isolated": 0}),
)


def medians(samples):
    """One sample of the medians, and the least and the greatest cost."""
    costs = [sample.cost for sample in samples]
    middle = Sample(*(statistics.median(getattr(sample, field.name) for sample in samples)
                      for field in dataclasses.fields(Sample)))
    return middle, min(costs), max(costs)
