# SPDX-License-Identifier: MIT
"""A new program in place of the running one: nobody who asks may notice."""

import concurrent.futures
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

import harness
import load
import plugs


class Upgradable(harness.Server):
    """A server whose program is a copy that tests may replace."""

    def __init__(self, folder, config, certificates):
        self.program = folder / "bin/tincan"
        self.program.parent.mkdir()
        for name in ("tincan", "tincan-host", "tincan-keeper"):
            shutil.copy2(harness.BUILD / name, self.program.parent / name)
        super().__init__(folder, config, certificates, program=self.program)
        self.master = self.pid  # the process that serves

    def replace_program(self, text):
        """Another file in its place, as an installation would do it."""
        new = self.program.with_name("new")
        new.write_text(text)
        new.chmod(0o755)
        new.rename(self.program)

    def restore_program(self):
        new = self.program.with_name("new")
        shutil.copy2(harness.TINCAN, new)
        new.rename(self.program)

    def tincan(self, *arguments):
        return harness.tincan(*arguments, "--config", self.config, folder=self.folder)

    def status(self):
        done = self.tincan("status", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def processes(self):
        return set(harness.group_processes(self.pid))

    def lasting(self):
        """Those of them that are no throw-away ones, as they serve."""
        return {pid for pid in self.processes() if pid == self.master or
                harness.name(pid) in ("tincan-worker", "tincan-keeper") or
                harness.command(pid)[1:2] == ["--board"]}

    def await_successor(self, lines):
        """Waits for the next process to serve and the one before to end."""
        line = self.wait_log(r"process \d+ serves in place", after=lines)
        before = self.master
        self.master = int(re.search(r"process (\d+)", line).group(1))
        if before == self.pid:
            assert self.process.wait(harness.DEADLINE) == 0
        else:
            harness.wait_for(lambda: before not in self.processes(), "its end")
        assert self.master in self.processes()

    def upgrade(self):
        lines = len(self.lines)
        os.kill(self.master, signal.SIGUSR2)
        self.await_successor(lines)

    def stop(self, status=0):
        if not self.stopped and self.master != self.pid:
            os.kill(self.master, signal.SIGTERM)
            harness.wait_for(lambda: not self.processes(), "the end of all processes")
            status = self.wait_exit()
            assert status == 0
        super().stop(status)


@pytest.fixture
def make_server(tmp_path, certificates, make_config):
    servers = []

    def make(**changes):
        servers.append(Upgradable(tmp_path, make_config(**changes), certificates))
        return servers[-1]

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def server(make_server):
    return make_server()


class Load(load.Clients):
    """Clients that ask while the with block runs: on connections that they keep as long
    as the server does, and on a new one for each request. All must be answered."""

    def __init__(self, server):
        tasks = [self._ask_and_keep] * 6 + [self._ask_afresh] * 2
        super().__init__(server, [functools.partial(self._repeat, ask) for ask in tasks])
        self.context = server.context()

    def _ask(self, client):
        reply = client.get("/hello/x")
        assert (reply.status, reply.text) == (200, "Hello, x!\n")
        self.count()
        return reply.header("connection") != "close" and not self.over.is_set()

    def _ask_and_keep(self):
        with self.server.connect(self.context) as client:
            while self._ask(client):
                pass

    def _ask_afresh(self):
        with self.server.connect(self.context) as client:
            self._ask(client)

    def _repeat(self, ask):
        while not self.over.is_set():
            ask()

    def wait_for_more(self):
        wanted = self.done + 50
        harness.wait_for(lambda: self.done >= wanted or self.failures, "answers")


def test_no_request_fails_and_no_connection_is_refused(server):
    with Load(server) as clients:
        for _ in range(3):
            clients.wait_for_more()
            server.upgrade()
        clients.wait_for_more()
    assert server.master != server.pid


HELD = """
#include <string.h>
#include <sys/prctl.h>
#include <tincan/handler.h>
#include <unistd.h>

/* A worker that opens it has to wait; a probe has not. */
static int hold(tc_conf *cf, void **state)
{
	const char *gate = tc.conf_path(cf, "gate", NULL);
	char name[16];

	(void)state;
	prctl(PR_GET_NAME, name);
	while (strcmp(name, "tincan-worker") == 0 && access(gate, F_OK) != 0) {
		usleep(1000);
	}
	return TC_OK;
}
"""
# The program, as soon as the file "go" is there.
PATIENT = """#!/bin/sh
cd %s/bin && : >begun
until [ -e go ]; do sleep 0.01; done
cd %s && exec %s/later/tincan "$@"
"""


def begin_early(folder):
    """Asks the server there, which starts, for an upgrade; then lets it serve."""
    def answers():
        return subprocess.run([harness.TINCAN, "status"], cwd=folder,
                              capture_output=True).returncode == 0

    later = folder / "bin/later"
    shutil.copytree(folder / "bin", later)
    harness.wait_for(answers, "the control socket")
    program = folder / "bin/new"
    program.write_text(PATIENT % (folder, folder, folder / "bin"))
    program.chmod(0o755)
    program.rename(folder / "bin/tincan")
    asked = subprocess.Popen([harness.TINCAN, "upgrade"], cwd=folder)
    harness.wait_for((folder / "bin/begun").exists, "the new program")
    (folder / "gate").touch()
    return asked


def test_one_that_is_asked_for_before_the_server_serves(make_server, tmp_path):
    plugins = plugs.Plugs(tmp_path)
    plugs.build(plugins.directory / "held.so", "held", "", code=HELD,
                fields=".on_open = hold")
    (tmp_path / "run").mkdir()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        early = pool.submit(lambda: harness.wait_for(
            (tmp_path / "run/tincan.sock").exists, "a start") and begin_early(tmp_path))
        server = make_server(
            plugins={"directory": "plugins"}, handlers={"held": {"isolation": "worker"}},
            routes=[{"path": "/held", "handler": "held", "settings": {"gate": "gate"}}])
        asked = early.result()
    (tmp_path / "bin/go").touch()
    server.await_successor(0)
    assert asked.wait(harness.DEADLINE) == 0
    assert server.get("/held").status == 200


def ports(server):
    return [listener["port"] for listener in server.status()["listeners"]]


def test_listeners_of_any_port_keep_theirs(make_server):
    server = make_server(listeners=[{"address": "127.0.0.1:0"}] * 3)
    before = ports(server)
    assert len(set(before)) == 3
    server.upgrade()
    assert ports(server) == before
    assert server.get("/hello/x").status == 200


def test_as_many_sockets_as_there_are_wait_for_one_that_is_slow(make_server):
    """More than the channel holds, for a program that takes longer than that waits."""
    server = make_server(workers=4,
                         listeners=[{"address": "127.0.0.1:0"} for _ in range(24)])
    ports = {one["port"] for one in server.status()["listeners"]}
    assert len(ports) == 24
    slow = server.program.with_name("slow")
    shutil.copy2(harness.TINCAN, slow)
    server.replace_program(f"#!/bin/sh\nsleep 2\nexec {slow} \"$@\"\n")
    server.upgrade()
    assert {one["port"] for one in server.status()["listeners"]} == ports
    assert "does not take" not in server.log


def test_nothing_is_left_of_the_old_one(server):
    with server.connect() as client:
        client.get("/hello/x")
    old = server.processes()
    server.upgrade()
    assert server.get("/hello/x").status == 200
    assert not old & server.processes()


def test_the_old_one_finishes_a_download(make_server, tmp_path):
    size = 64 << 20  # more than any socket buffer holds
    (tmp_path / "big").mkdir()
    with open(tmp_path / "big/file.bin", "wb") as file:
        file.truncate(size)
    server = make_server(routes=[{"path": "/*", "handler": "files",
                                  "settings": {"root": str(tmp_path / "big")}}])
    with server.connect() as client:
        client.start("GET", "/file.bin")
        client.read_head()
        lines = len(server.lines)
        server.signal(signal.SIGUSR2)
        server.wait_log("serves in place", after=lines)
        assert server.request("HEAD", "/file.bin").status == 200
        assert server.process.poll() is None
        assert len(client.read(size)) == size
    server.await_successor(lines)


@pytest.mark.parametrize("isolation", ["host", "worker"])
def test_what_handlers_share_goes_on(make_server, tmp_path, isolation):
    plug = plugs.Plugs(tmp_path)
    plug.add(harness.BUILD / "tests/plugins/tally.so")
    server = make_server(plugins={"directory": str(plug.directory)}, routes=[
        {"path": "/tally/*", "handler": "tally"}],
        handlers={"tally": {"isolation": isolation}})
    assert server.get("/tally/count").text == "1"
    for i in range(2, 4):
        server.upgrade()
        assert server.get("/tally/count").text == str(i)


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
def test_sessions_are_resumed_by_the_next_ones(server, version):
    context = server.context()
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    with server.connect(context) as client:
        client.get("/hello/x")  # TLS 1.3 sends its ticket after the handshake
        session = client.sock.session
    age = server.status()["tickets"]["age_s"]
    for _ in range(2):
        server.upgrade()
        for _ in range(4):
            with server.connect(context, session) as client:
                assert client.get("/hello/x").status == 200
                assert client.sock.session_reused
    # A key that was given on is no new key.
    assert server.status()["tickets"]["keys"] == 1
    assert server.status()["tickets"]["age_s"] >= age


@pytest.mark.parametrize("isolation", ["host", "worker"])
def test_what_handlers_have_counted_goes_on(make_server, tmp_path, isolation):
    plug = plugs.Plugs(tmp_path)
    plug.add(harness.BUILD / "tests/plugins/gauges.so")
    plug.add(harness.PLUGINS / "status.so")
    server = make_server(plugins={"directory": str(plug.directory)}, routes=[
        {"path": "/gauges/{what}/{value}", "handler": "gauges"},
        {"path": "/metrics", "handler": "status"}],
        handlers={"gauges": {"isolation": isolation}})
    line = 'tincan_handler_counted_total{handler="gauges"} %d\n'
    for i in range(1, 4):
        assert server.get("/gauges/count/1").text == "done"
        plugs.contains(server, "/metrics", line % i)
        server.upgrade()
    plugs.contains(server, "/metrics", line % 3)


def test_the_command_returns_when_the_new_one_can_be_asked(server):
    lines = len(server.lines)
    done = server.tincan("upgrade")
    assert done.returncode == 0, done.stderr
    pid = int(re.fullmatch(r"process (\d+) has taken over\n", done.stdout).group(1))
    assert server.status()["pid"] == pid
    server.await_successor(lines)
    assert server.master == pid


def test_the_new_one_reloads_and_stops_when_told(server):
    server.upgrade()
    assert server.status()["pid"] == server.master
    config = json.loads(server.config.read_text())
    config["routes"].append({"path": "/new", "handler": "echo"})
    server.config.write_text(json.dumps(config))
    assert server.get("/new").status == 404
    done = server.tincan("reload")
    assert done.returncode == 0, done.stderr
    assert server.get("/new").status == 200
    assert server.tincan("stop").returncode == 0
    harness.wait_for(lambda: not server.processes(), "the end of all processes")


def break_program(server):
    server.replace_program("#!/bin/sh\nexit 1\n")


def remove_program(server):
    server.program.unlink()


def break_config(server):
    server.config.write_text(server.config.read_text().replace('"hello"', '"helo"'))


@pytest.mark.parametrize("spoil", [break_program, remove_program, break_config])
def test_what_cannot_start_changes_nothing(server, spoil):
    config = server.config.read_text()
    with server.connect() as client:
        client.get("/hello/x")
        before = server.lasting()
        spoil(server)
        done = server.tincan("upgrade")
        assert done.returncode == 1
        assert "the new program did not start; this one goes on" in done.stderr
        server.wait_log("the new program did not start; this one goes on")
        assert client.get("/hello/x").status == 200
    assert server.lasting() == before
    assert server.status()["pid"] == server.pid
    server.config.write_text(config)
    server.restore_program()
    server.upgrade()
    assert server.get("/hello/x").status == 200


HANGING = "#!/bin/sh\nexec sleep 600\n"


def test_one_upgrade_at_a_time(server):
    server.replace_program(HANGING)
    server.signal(signal.SIGUSR2)
    server.wait_log("in place of this program")
    done = server.tincan("upgrade")
    assert done.returncode == 1
    assert "an upgrade or a stop is under way" in done.stderr


def test_a_stop_ends_a_new_one_that_does_not_serve_yet(server):
    server.replace_program(HANGING)
    server.signal(signal.SIGUSR2)
    server.wait_log("in place of this program")
    server.signal(signal.SIGTERM)
    assert server.process.wait(harness.DEADLINE) == 0
    assert not server.processes()
