# SPDX-License-Identifier: MIT
"""Commands to the running server: they tell the truth; only its user may give them."""

import json
import os
import re
import shutil
import socket
import stat

import pytest

import harness

NOBODY = 65534


@pytest.fixture
def server(start_server, tmp_path):
    """A server with a plugin folder of its own."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    for name in "hello.so", "echo.so":
        shutil.copy(harness.PLUGINS / name, plugins)
    return start_server(plugins={"directory": str(plugins), "serve_unrouted": False},
                        routes=[{"path": "/hello/{name}", "handler": "hello"}])


def run(server, *arguments, **options):
    return harness.tincan(*arguments, "--config", "server.json", folder=server.folder,
                          **options)


def ask(server, *arguments):
    """The answer to a command that must be carried out."""
    done = run(server, *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    reply = json.loads(done.stdout)
    assert reply["ok"] is True
    return reply


def change_config(server, **changes):
    config = json.loads(server.config.read_text())
    config.update(changes)
    server.config.write_text(json.dumps(config, indent=2))


def connect(server):
    """A plain client of the control socket."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(harness.DEADLINE)
    folder = os.open(server.folder / "run", os.O_RDONLY)
    client.connect(f"/proc/self/fd/{folder}/tincan.sock")
    os.close(folder)
    return client


def test_status_tells_who_serves(server):
    assert server.get("/hello/x").status == 200
    reply = ask(server, "status")
    assert reply["pid"] == server.pid and reply["generation"] == 1
    assert [listener["port"] for listener in reply["listeners"]] == [server.port]
    assert {worker["pid"] for worker in reply["workers"]} <= set(server.workers)
    assert {worker["state"] for worker in reply["workers"]} == {"serving"}
    assert [plugin["name"] for plugin in reply["plugins"]] == ["echo", "hello"]


def test_status_is_for_people(server):
    done = run(server, "status")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("tincan ")
    assert f"pid {server.pid}, generation 1" in lines[0]
    assert lines[1] == f"listening on {server.host}:{server.port}"
    head = next(line for line in lines if line.startswith("worker "))
    assert head.split() == ["worker", "pid", "state", "connections", "requests",
                            "generation"]
    assert [line.split()[0] for line in lines[-2:]] == ["echo", "hello"]


def test_plugins_tells_what_is_served_and_why_not(server, tmp_path):
    (tmp_path / "plugins/broken.so").write_text("no machine code")
    assert run(server, "reload").returncode == 0
    done = run(server, "plugins")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"(?m)^- .* refused .*broken\.so +-\n  not an ELF file$",
                     done.stdout)
    for name in "echo", "hello":
        assert re.search(rf"(?m)^{name} +1\.\d .* serving .*{name}\.so ", done.stdout)
    assert "greets {name}, as text or JSON" in done.stdout


def test_reload_returns_when_the_new_routes_are_served(server):
    with server.connect() as client:
        assert client.get("/echo").status == 404
        for generation in 2, 3:
            change_config(server, routes=[
                {"path": f"/echo{generation}", "handler": "echo"}])
            done = run(server, "reload")
            assert (done.returncode, done.stdout, done.stderr) == (
                0, f"generation {generation} serves\n", "")
            assert client.get(f"/echo{generation}").status == 200
        assert client.get("/echo2").status == 404


def test_reload_of_a_bad_file_tells_every_problem_and_changes_nothing(server):
    change_config(server, routes=[{"path": "x", "handler": "hello"}], lgo={})
    done = run(server, "reload")
    assert (done.returncode, done.stdout) == (1, "")
    assert "routes[0].path: 'x' must start with '/'" in done.stderr
    assert "lgo: unknown key 'lgo'\n  hint: did you mean 'log'\n" in done.stderr
    assert server.get("/hello/x").status == 200
    assert ask(server, "status")["generation"] == 1
    server.config.write_text("{ 'routes': [] }")
    done = run(server, "reload")
    assert (done.returncode, done.stdout) == (1, "")
    assert "server.json:1:3: expected a key in double quotes" in done.stderr
    assert server.get("/hello/x").status == 200


def test_stop_ends_the_server(server):
    done = run(server, "stop")
    assert (done.returncode, done.stderr) == (0, "")
    assert server.wait_exit() == 0
    assert not (server.folder / "run/tincan.sock").exists()


def test_reset_knows_its_handlers(server):
    assert run(server, "reset", "hello").returncode == 0
    done = run(server, "reset", "nobody")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("tincan: ")
    assert "hint: 'tincan plugins' tells" in done.stderr


@pytest.mark.parametrize("command", [["status"], ["reload"], ["stop"], ["reset", "x"],
                                     ["upgrade"], ["status", "--json"]])
def test_without_a_server_there_is_no_answer(tmp_path, make_config, command):
    (tmp_path / "server.json").write_text(json.dumps(make_config(control="c.sock")))
    done = harness.tincan(*command, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == ("tincan: no tincan answers at 'c.sock'\n"
                           "  hint: 'tincan --config server.json' starts one\n")


@pytest.mark.parametrize("text", [None, "{"])
def test_without_a_configuration_there_is_nobody_to_ask(tmp_path, text):
    if text is not None:
        (tmp_path / "server.json").write_text(text)
    done = harness.tincan("status", folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("server.json:")


def test_a_second_server_does_not_take_the_place_of_the_first(server):
    done = harness.tincan("--config", "server.json", folder=server.folder)
    assert done.returncode == 1
    assert f"another tincan (pid {server.pid}) has this control socket" in done.stderr
    assert ask(server, "status")["pid"] == server.pid


def test_a_server_takes_the_place_of_one_that_was_killed(start_server):
    first = start_server()
    first.kill()
    assert (first.folder / "run/tincan.sock").exists()
    second = harness.Server(first.folder, json.loads(first.config.read_text()),
                            first.certificates)
    assert ask(second, "status")["pid"] == second.pid
    second.stop()


def test_only_the_user_of_the_server_can_connect(server):
    path = server.folder / "run/tincan.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be somebody else")
def test_another_user_is_not_answered_whatever_the_mode(server):
    (server.folder / "run/tincan.sock").chmod(0o666)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        client = socket.socket(socket.AF_UNIX)
        os.chdir(server.folder / "run")
        os.setuid(NOBODY)
        client.connect("tincan.sock")
        os.write(writer, client.recv(4096))
        os._exit(0)
    os.close(writer)
    assert os.waitpid(pid, 0)[1] == 0
    reply = json.loads(os.read(reader, 4096))
    os.close(reader)
    assert reply["ok"] is False and "root" in reply["error"]


@pytest.mark.parametrize("garbage", [
    b"\n", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 1000, b"\xff\xfe\n", b"[" * 60000 + b"\n",
    b"x" * 200000, b'{"command":"stop"', b'{"command":["stop"]}\n'],
    ids=["blank", "http", "nul", "not utf-8", "deep", "no end", "cut", "array"])
def test_garbage_is_refused_and_harms_nobody(server, garbage):
    with connect(server) as client:
        try:
            client.sendall(garbage)
            client.shutdown(socket.SHUT_WR)
        except BrokenPipeError:
            pass  # it has heard enough
        answer = b""
        try:
            while data := client.recv(65536):
                answer += data
        except ConnectionResetError:
            pass
        for line in answer.splitlines():
            assert json.loads(line)["ok"] is False
    assert ask(server, "status")["pid"] == server.pid
