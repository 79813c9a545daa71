# SPDX-License-Identifier: MIT
"""Started as root, with "user": who the processes are, and that all goes on as ever."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile

import pytest

import harness
import plugs
from test_upgrade import Upgradable

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")

# Refuses to be opened by root, its probe's process included.
SHY = {"fields": ".on_open = opened", "code": """
static int opened(tc_conf *cf, void **state)
{
	(void)state;
	return getuid() == 0 ? tc.conf_error(cf, NULL, "it is root") : TC_OK;
}
"""}


def status(pid):
    """What /proc tells of a process: name -> the words behind it."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {line.split(":")[0]: line.split()[1:] for line in text.splitlines()}


def assert_nobody(pid):
    found = status(pid)
    assert found["Uid"] == found["Gid"] == [str(NOBODY)] * 4, found
    assert found["Groups"] == [str(NOBODY)], found
    assert int(found["CapPrm"][0], 16) == int(found["CapEff"][0], 16) == 0, found


@pytest.fixture(scope="module")
def folder():
    """One that everybody may look into, and only root may write to."""
    made = pathlib.Path(tempfile.mkdtemp(prefix="tincan-user-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def server(folder, make_config, certificates):
    plug = plugs.Plugs(folder)
    for name in "echo", "files":
        plug.add(harness.PLUGINS / f"{name}.so")
    (folder / "www").mkdir()
    (folder / "www/page.txt").write_text("a page\n")
    running = Upgradable(folder, make_config(
        user="nobody", handlers={"echo": {"isolation": "worker"}}, routes=[
            {"path": "/hello/{name}", "handler": "hello"},
            {"path": "/echo", "handler": "echo"},
            {"path": "/files/*", "handler": "files", "settings": {"root": "www"}}],
        plugins={"directory": str(plug.directory)}, tls={"key_log": "keys.log"},
        listeners=[{"address": "127.0.0.1:0"}, {"address": "unix:web.sock"}]),
        certificates)
    running.plug = plug
    yield running
    running.stop()


def serving(server):
    """The processes that serve: workers and hosts."""
    return [pid for pid in harness.children(server.master)
            if harness.name(pid) == "tincan-worker" or
            harness.command(pid)[:2] == ["tincan-host", "--board"]]


def assert_serves(server):
    assert server.get("/hello/x").text == "Hello, x!\n"
    assert server.get("/echo").json["target"] == "/echo"
    assert server.get("/files/page.txt").text == "a page\n"
    pids = serving(server)
    assert len(pids) == 6  # two workers, each with a host for hello and one for files
    for pid in pids:
        assert_nobody(pid)
        # What is in /proc of a process that nobody may look into is root's.
        open_to_all = harness.name(pid) != "tincan-worker"
        assert os.stat(f"/proc/{pid}/environ").st_uid == (NOBODY if open_to_all else 0)


@needs_root
def test_workers_and_hosts_are_that_user(server):
    assert_serves(server)
    assert status(server.pid)["Uid"] == ["0"] * 4
    assert "run as root" not in server.log


@needs_root
def test_a_unix_socket_is_served(server, folder):
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(harness.DEADLINE)
        sock.connect(str(folder / "web.sock"))
        with harness.Client(server.context().wrap_socket(
                sock, server_hostname="localhost")) as client:
            assert client.get("/hello/path").status == 200


@needs_root
def test_logs_are_written_where_only_root_may(server, folder):
    server.get("/hello/logged")
    server.wait_access("/hello/logged")
    server.access_path.rename(folder / "access.log.1")
    (folder / "keys.log").rename(folder / "keys.log.1")
    os.kill(server.master, signal.SIGUSR1)

    def arrived():
        server.get("/hello/after")
        return (len(server.access_lines()) > 5 and
                (folder / "keys.log").read_text().count("\n") > 5)

    harness.wait_for(arrived, "lines in the new files")
    for name in "access.log", "keys.log":
        assert (folder / name).stat().st_uid == 0


@needs_root
def test_a_dropped_handler_is_probed_and_run_by_that_user(server):
    server.plug.drop("shy", "shy", **SHY)
    plugs.answers(server, "/shy", "shy")
    (server.plug / "shy.so").unlink()
    harness.wait_for(lambda: server.get("/shy").status == 404, "its end")


@needs_root
def test_those_that_die_are_replaced_by_that_user(server):
    before = serving(server)
    for pid in before:
        with contextlib.suppress(ProcessLookupError):  # a host ends with its worker
            os.kill(pid, signal.SIGKILL)
    harness.wait_for(lambda: len(set(serving(server)) - set(before)) == 6, "new ones")
    harness.wait_for(lambda: server.status()["generation"] ==
                     min(x["generation"] for x in server.status()["workers"]), "serving")
    assert_serves(server)


@needs_root
def test_another_user_takes_an_upgrade(server):
    config = server.config.read_text()
    changed = json.loads(config) | {"user": f"{NOBODY}:{NOBODY}"}
    server.config.write_text(json.dumps(changed))
    done = server.tincan("reload")
    assert done.returncode == 1
    assert "user: 'user' cannot change while the server runs" in done.stderr
    assert "hint: 'tincan upgrade' takes it over, too" in done.stderr
    server.upgrade()
    assert_serves(server)


@needs_root
def test_without_a_user_the_log_says_so(start_server):
    assert "workers and handlers run as root" in start_server().log


def check(folder, make_config, name, **options):
    (folder / "check.json").write_text(json.dumps(make_config(user=name)))
    return subprocess.run([harness.TINCAN, "check", "--config", folder / "check.json"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=harness.DEADLINE, cwd=folder, **options)


def test_who_does_not_exist_is_a_problem(folder, make_config):
    for user, what in (("no-such", "there is no user 'no-such'"),
                       ("root:no-such", "there is no group 'no-such'"),
                       ("123456789", "user '123456789' has no name, and so no group")):
        done = check(folder, make_config, user)
        assert done.returncode == 2
        assert f": user: {what}\n" in done.stderr


@needs_root
def test_nobody_but_root_can_become_another(folder, make_config):
    done = check(folder, make_config, "root", user=NOBODY, group=NOBODY, extra_groups=[])
    assert done.returncode == 2
    assert ": user: only root can become 'root'\n" in done.stderr
