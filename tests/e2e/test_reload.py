# SPDX-License-Identifier: MIT
"""A reload closes no connection, and what it says is true."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

import harness
import load
import plugs

ROUNDS = 100
CONNECTIONS = 64
PAUSE = 0.05  # of each between two requests, for the machine has other things to do
HELLO = {"path": "/hello/{name}", "handler": "hello"}
NEW = {"path": "/new/{name}", "handler": "hello"}


@pytest.fixture
def plug(tmp_path):
    return plugs.Plugs(tmp_path)


def change(server, **changes):
    """Writes a changed configuration, at one stroke."""
    config = json.loads(server.config.read_text())
    config.update(changes)
    other = server.config.with_name("other.json")
    other.write_text(json.dumps(config, indent=2))
    os.rename(other, server.config)


def run(server):
    return harness.tincan("reload", "--config", server.config)


def reload(server, **changes):
    """The number of the generation that serves with these changes."""
    change(server, **changes)
    done = run(server)
    assert done.returncode == 0, (done.stdout, done.stderr, server.log)
    return int(re.fullmatch(r"generation (\d+) serves\n", done.stdout)[1])


# Under load


def test_100_reloads_and_100_replacements_lose_nothing(start_server, plug):
    """Each reload brings other routes and another version of a plugin."""
    files = {text: plug.make("fresh", text) for text in ("one", "two")}
    plug.add(files["two"], "fresh.so")
    server = start_server(plugins={"directory": str(plug.directory)}, routes=[HELLO])
    with load.Steady(server, "/hello/x", CONNECTIONS // 2, PAUSE) as hello, \
            load.Steady(server, "/fresh", CONNECTIONS // 2, PAUSE) as fresh:
        for i in range(ROUNDS):
            text = ("one", "two")[i % 2]
            content = files[text].read_bytes() + f"version {i}".encode()
            (plug.workshop / "next.so").write_bytes(content)
            plug.add(plug.workshop / "next.so", "fresh.so")
            reload(server, routes=[HELLO, NEW] if i % 2 else [HELLO])
            with server.connect() as client:
                assert client.get("/fresh").text == text
                assert client.get("/new/x").status == (200 if i % 2 else 404)
    assert hello.done + fresh.done > CONNECTIONS
    assert "error" not in server.log, server.log
    harness.wait_for(lambda: len(server.hosts("fresh")) == 2, "the end of old processes")


def test_replacements_without_a_reload_lose_nothing(start_server, plug):
    plug.drop("fresh", "0")
    server = start_server(plugins={"directory": str(plug.directory)}, routes=[])
    with load.Steady(server, "/fresh", CONNECTIONS, PAUSE):
        for i in range(1, 6):
            plug.drop("fresh", f"{i}")
            plugs.answers(server, "/fresh", f"{i}")


# What takes effect


def test_command_returns_when_every_worker_serves_it(start_server):
    server = start_server(routes=[HELLO], workers=2)
    before = [server.connect() for _ in range(8)]
    for client in before:
        assert client.get("/new/x").status == 404
    number = reload(server, routes=[HELLO, NEW])
    assert number > 1
    for client in before + [server.connect() for _ in range(8)]:
        assert client.get("/new/x").text == "Hello, x!\n"
        client.close()
    assert reload(server, routes=[HELLO]) == number + 1
    assert server.get("/new/x").status == 404


def test_settings_of_a_route_change_on_a_connection_that_is_open(start_server):
    server = start_server(routes=[HELLO])
    with server.connect() as client:
        assert client.get("/hello/x").text == "Hello, x!\n"
        for greeting in ("Ahoy", "Servus"):
            reload(server, routes=[{**HELLO, "settings": {"greeting": greeting}}])
            assert client.get("/hello/x").text == f"{greeting}, x!\n"


def test_limits_change_on_a_connection_that_is_open(start_server):
    server = start_server()
    with server.connect() as client:
        assert client.request("POST", "/echo", body="12345").status == 200
        reload(server, limits={"max_body_bytes": 4})
        assert client.request("POST", "/echo", body="12345").status == 413


def test_listeners_come_and_go(start_server):
    server = start_server(listeners=[{"address": "127.0.0.1:0"}])
    port = server.port
    with server.connect() as client:
        reload(server, listeners=[{"address": "[::1]:0"}])
        line = server.wait_log(r"listening on https://\[::1\]:\d+")
        server.host, server.port = "::1", int(re.search(r"\[::1\]:(\d+)", line)[1])
        assert server.get("/hello/x").status == 200
        assert client.get("/hello/x").status == 200
    server.host, server.port = "127.0.0.1", port
    with pytest.raises(ConnectionRefusedError):
        server.tcp()


def test_listener_that_stays_keeps_its_queue(start_server):
    server = start_server()
    with load.Steady(server, connections=4):
        reload(server, listeners=[{"address": "127.0.0.1:0"}, {"address": "[::1]:0"}])
        for _ in range(20):
            assert server.get("/hello/x").status == 200


def test_new_certificate_is_shown_to_new_connections(start_server, tmp_path):
    server = start_server()
    folder = tmp_path / "other"
    subprocess.run([harness.TOP / "certs/make-dev-certs", folder], check=True)
    with server.connect() as client:
        reload(server, certificates=[{"chain": str(folder / "localhost.crt"),
                                      "key": str(folder / "localhost.key")}])
        assert client.get("/hello/x").status == 200
        server.certificates = folder
        assert server.get("/hello/x").status == 200


def test_access_log_moves(start_server):
    server = start_server()
    server.get("/hello/one")
    reload(server, log={"access": "moved.log", "error": "-"})
    server.get("/hello/two")
    server.wait_access("/hello/one")
    server.access_path = server.folder / "moved.log"
    server.wait_access("/hello/two")
    assert [line["target"] for line in server.access_lines()] == ["/hello/two"]


def test_plugins_are_looked_at_without_the_quiet_time(start_server, plug):
    server = start_server(plugins={"directory": str(plug.directory), "watch": False},
                          routes=[])
    plug.drop("fresh", "one")
    reload(server)
    assert server.get("/fresh").text == "one"


@pytest.mark.parametrize("isolation", ["host", "worker"])
def test_isolation_changes_under_load(start_server, isolation):
    other = {"host": "worker", "worker": "host"}[isolation]
    # Workers take in the code of handlers if they have been started for any.
    server = start_server(handlers={"hello": {"isolation": isolation},
                                    "echo": {"isolation": "worker"}})
    with load.Steady(server, connections=8):
        reload(server, handlers={"hello": {"isolation": other}})
        assert server.get("/hello/x").status == 200
    harness.wait_for(lambda: bool(server.hosts("hello")) == (other == "host"),
                     "its processes, or their end")


# What goes on


def test_download_and_upload_begun_before_go_on(start_server, tmp_path):
    (tmp_path / "big").mkdir()
    with open(tmp_path / "big/file.bin", "wb") as file:
        file.truncate(32 << 20)
    files = {"path": "/big/*", "handler": "files",
             "settings": {"root": str(tmp_path / "big")}}
    server = start_server(routes=[files, {"path": "/echo", "handler": "echo"}])
    with server.connect() as download, server.connect() as upload:
        download.start("GET", "/big/file.bin")
        head = download.read_head()
        upload.start("POST", "/echo", "Content-Length: 10")
        upload.send("12345")
        for _ in range(3):
            reload(server, routes=[HELLO])
        assert server.get("/big/file.bin").status == 404
        assert len(download.read(int(head.header("content-length")))) == 32 << 20
        upload.send("67890")
        assert upload.read_reply().json["body"]["data"] == "1234567890"
        assert download.get("/big/file.bin").status == 404
        assert upload.get("/hello/x").status == 200


def test_streamed_reply_of_a_retired_version_is_finished(start_server, plug):
    """Made in memory by the plugin itself, larger than any buffer on the way."""
    stream = """
        static char block[1 << 16];
        static int stream(tc_req *r)
        {
            tc.start(r, 200, "text/plain");
            for (int i = 0; i < 12; i++) tc.write(r, block, sizeof block);
            return tc.end(r);
        }"""
    fields = {"code": stream, "first": "if (tc.query(r)[0]) return stream(r);"}
    plug.drop("fresh", "one", **fields)
    server = start_server(plugins={"directory": str(plug.directory)}, routes=[])
    with server.connect() as client:
        client.start("GET", "/fresh?stream")
        head = client.read_head()
        plug.drop("fresh", "two", **fields)
        plugs.answers(server, "/fresh", "two")
        client.read_chunks(head)
        assert len(head.body) == 12 << 16
        assert client.get("/fresh").text == "two"
    harness.wait_for(lambda: len(server.hosts("fresh")) == 2, "the end of the first")


# What is refused


def test_bad_configuration_changes_nothing_and_every_problem_is_told(start_server):
    server = start_server(routes=[HELLO])
    with load.Steady(server):
        change(server, routes=[{"path": "hello"}, {"path": "/x", "handler": "helo"}],
               wokers=2, limits={"max_connections": 0})
        done = run(server)
        assert done.returncode == 1
        for said in ["did you mean 'workers'", "routes[0].path", "limits.max_connections",
                     "did you mean 'hello'"]:
            assert said in done.stdout + done.stderr, said
        assert server.get("/hello/x").status == 200
    server.wait_log("is not taken over: . problems, generation 1 goes on")


@pytest.mark.parametrize("text", ["", "{", "[]"])
def test_file_that_is_no_configuration_changes_nothing(start_server, text):
    server = start_server()
    server.config.write_text(text)
    done = run(server)
    assert done.returncode != 0 and done.stderr
    server.signal(signal.SIGHUP)
    server.wait_log("is not taken over")
    assert server.get("/hello/x").status == 200


def test_settings_that_a_handler_refuses_change_nothing(start_server):
    server = start_server(routes=[HELLO])
    change(server, routes=[{**HELLO, "settings": {"greting": "Ahoy"}}])
    done = run(server)
    assert done.returncode == 1 and "did you mean 'greeting'" in done.stdout + done.stderr
    assert server.get("/hello/x").text == "Hello, x!\n"


def test_warnings_of_a_refused_one_are_logged_as_such(start_server):
    server = start_server()
    change(server, handlers={"hello": {"processes": 2}}, routes=[{"path": "new"}])
    assert run(server).returncode == 1
    for text, level in ("changes nothing", "warn"), ("must start with", "error"):
        assert json.loads(server.wait_log(text))["level"] == level


def test_port_in_use_changes_nothing(start_server):
    server, other = start_server(), start_server()
    with socket.create_server(("127.0.0.1", 0)) as sock:
        free = sock.getsockname()
    change(server, listeners=[{"address": f"127.0.0.1:{free[1]}"},
                              {"address": f"127.0.0.1:{other.port}"}])
    done = run(server)
    assert done.returncode == 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(free)
    assert f"in use by process {other.pid}" in done.stdout + done.stderr
    assert server.get("/hello/x").status == 200
    assert other.get("/hello/x").status == 200


def test_key_that_is_gone_changes_nothing(start_server, tmp_path, certificates):
    for name in ("localhost.crt", "localhost.key"):
        shutil.copy(certificates / name, tmp_path)
    server = start_server(certificates=[{"chain": str(tmp_path / "localhost.crt"),
                                         "key": str(tmp_path / "localhost.key")}])
    (tmp_path / "localhost.key").unlink()
    done = run(server)
    assert done.returncode == 0
    assert "warning: cannot read" in done.stderr and "localhost.key" in done.stderr
    assert server.get("/hello/x").status == 200


def test_several_at_once_are_all_answered(start_server):
    server = start_server()
    running = [subprocess.Popen([harness.TINCAN, "reload", "--config", server.config],
                                stdout=subprocess.PIPE, text=True) for _ in range(5)]
    for process in running:
        output, _ = process.communicate(timeout=harness.DEADLINE)
        assert process.returncode == 0
        assert re.fullmatch(r"generation \d+ serves\n", output)


def test_hangup_is_a_reload_too(start_server):
    server = start_server(routes=[HELLO])
    change(server, routes=[HELLO, NEW])
    server.signal(signal.SIGHUP)
    server.wait_log("generation 2 serves")
    assert server.get("/new/x").status == 200
