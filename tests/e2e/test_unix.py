# SPDX-License-Identifier: MIT
"""Listeners that are Unix sockets: their files, who may use them, what is said there."""

import grp
import json
import os
import signal
import socket
import stat

import pytest

import harness
import ws
from test_upgrade import Upgradable


@pytest.fixture
def start(start_server, tmp_path):
    """Starts a server with a port and the socket at tmp_path/web.sock."""
    def begin(path=None, **listener):
        path = str(path or tmp_path / "web.sock")
        server = start_server(listeners=[
            {"address": "127.0.0.1:0"}, {"address": "unix:" + path, **listener}])
        server.wait_log("serving with")
        server.path = path
        return server
    return begin


def connect(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(harness.DEADLINE)
    sock.connect("\0" + path[1:] if path[0] == "@" else path)
    return sock


def client(server, path=None):
    return harness.Client(server.context().wrap_socket(
        connect(path or server.path), server_hostname="localhost"))


def rewrite(server, change):
    config = json.loads(server.config.read_text())
    change(config)
    server.config.write_text(json.dumps(config))


def reload(server):
    done = harness.tincan("reload", "--config", server.config, folder=server.folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_asks_there(start, version):
    server = start()
    server.wait_log(r"listening on unix:/\S+web\.sock \(https\)")
    found = json.loads(server.curl("/echo", version, "--unix-socket", server.path))
    assert found["client"] == {"address": "unix:", "port": None}
    assert found["server"]["port"] is None
    assert server.wait_access("/echo")["client"] == "unix:"


def test_relative_paths_are_the_config_files(start):
    server = start("web.sock")
    with client(server, str(server.folder / "web.sock")) as connected:
        assert connected.get("/hello/you").status == 200


def test_names_without_a_file(start):
    server = start(f"@tincan-test-{os.getpid()}")
    with client(server) as connected:
        assert connected.get("/hello/you").status == 200


def test_status_shows_it(start):
    server = start()
    done = harness.tincan("status", "--config", server.config, folder=server.folder)
    assert f"listening on unix:{server.path}\n" in done.stdout


def test_the_file_has_the_mode_and_goes_at_the_stop(start):
    server = start(mode="0606")
    status = os.lstat(server.path)
    assert stat.S_ISSOCK(status.st_mode) and stat.S_IMODE(status.st_mode) == 0o606
    server.stop()
    assert not os.path.lexists(server.path)


def test_the_group_may_be_said(start):
    group = grp.getgrgid(os.getgid()).gr_name
    server = start(owner=f":{group}")
    status = os.lstat(server.path)
    assert (status.st_gid, stat.S_IMODE(status.st_mode)) == (os.getgid(), 0o660)


def test_all_workers_serve_one_socket(start):
    """With one stopped, what comes goes to the other."""
    server = start()
    for worker in server.workers:
        os.kill(worker, signal.SIGSTOP)
        try:
            for _ in range(3):
                with client(server) as connected:
                    assert connected.get("/hello/you").status == 200
        finally:
            os.kill(worker, signal.SIGCONT)


def test_what_a_dead_server_has_left_is_replaced(start, tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "web.sock"))
    server = start()
    with client(server) as connected:
        assert connected.get("/hello/you").status == 200


def fails(tmp_path, make_config, path):
    config = tmp_path / "server.json"
    config.write_text(json.dumps(make_config(listeners=[{"address": f"unix:{path}"}])))
    done = harness.tincan("--config", config, folder=tmp_path)
    assert done.returncode == 1
    return done.stderr


def test_no_other_file_is_replaced(tmp_path, make_config):
    (tmp_path / "precious").write_text("words")
    said = fails(tmp_path, make_config, "precious")
    assert "cannot listen on 'unix:precious': there is a file that is no socket" in said
    assert (tmp_path / "precious").read_text() == "words"


def test_no_live_server_is_replaced(tmp_path, make_config):
    with socket.socket(socket.AF_UNIX) as live:
        live.bind(str(tmp_path / "web.sock"))
        live.listen()
        said = fails(tmp_path, make_config, "web.sock")
    assert f"in use by process {os.getpid()} (" in said
    assert (tmp_path / "web.sock").exists()


@pytest.mark.parametrize("owner, words", [("no-such-user", "no user 'no-such-user'"),
                                          (":no-such-group", "no group")])
def test_owners_that_are_not_there(tmp_path, make_config, owner, words):
    config = tmp_path / "server.json"
    config.write_text(json.dumps(make_config(listeners=[
        {"address": "unix:web.sock", "owner": owner}])))
    done = harness.tincan("--config", config, folder=tmp_path)
    assert done.returncode == 1 and words in done.stderr
    assert not (tmp_path / "web.sock").exists()


def test_a_reload_adds_changes_and_removes(start, tmp_path):
    server = start()
    with client(server) as kept:
        rewrite(server, lambda config: config["listeners"][1].update(mode="0600"))
        reload(server)
        assert stat.S_IMODE(os.lstat(server.path).st_mode) == 0o600
        added = str(tmp_path / "added.sock")
        rewrite(server, lambda config: config["listeners"].append(
            {"address": "unix:" + added, "tls": False, "redirect": "https"}))
        reload(server)
        with harness.Client(connect(added)) as plain:
            plain.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
            location = plain.read_reply().header("location")
            assert location == f"https://a:{server.port}/x"
        rewrite(server, lambda config: config.update(listeners=config["listeners"][:1]))
        reload(server)
        assert not os.path.exists(server.path) and not os.path.exists(added)
        assert kept.get("/hello/you").status == 200


def test_a_reload_that_cannot_listen_changes_nothing(start, tmp_path):
    server = start()
    (tmp_path / "precious").write_text("words")
    rewrite(server, lambda config: config["listeners"].extend([
        {"address": f"unix:{tmp_path}/new.sock"},
        {"address": f"unix:{tmp_path}/precious"}]))
    done = harness.tincan("reload", "--config", server.config, folder=server.folder)
    assert done.returncode == 1 and "is no socket" in done.stderr
    assert not (tmp_path / "new.sock").exists()
    with client(server) as connected:
        assert connected.get("/hello/you").status == 200


def test_a_proxy_may_stand_in_front(start):
    server = start(proxy_protocol={"from": ["unix"]})
    with connect(server.path) as sock:
        sock.sendall(b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n")
        with harness.Client(server.context().wrap_socket(
                sock, server_hostname="localhost")) as connected:
            found = connected.get("/echo").json
    assert found["client"] == {"address": "192.0.2.7", "port": "4711"}


def test_streams_are_spoken_there(start):
    server = start(stream="echo")
    server.wait_log(r"listening on unix:\S+ \(tls\)")
    with client(server) as connected:
        connected.send("a line\n")
        assert connected.read(7) == b"a line\n"


def test_websockets_are_spoken_there(start):
    server = start()
    with ws.open_h1(server, "/echo", client=client(server)) as socket_:
        assert socket_.ask("hello") == "hello"


def test_an_upgrade_hands_it_over(tmp_path, make_config, certificates):
    """The file stays the same until the last master removes it; what the new one's
    configuration has not any more is closed, a port too."""
    paths = [tmp_path / "one.sock", tmp_path / "two.sock"]
    server = Upgradable(tmp_path, make_config(listeners=[
        {"address": "127.0.0.1:0"}, *({"address": f"unix:{path}"} for path in paths),
        {"address": "127.0.0.2:0"}]), certificates)

    def is_refused():
        port = server.ports[-1]
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.2", port)) != 0

    try:
        server.wait_log("serving with")
        inode = os.lstat(paths[0]).st_ino
        server.ports = [x["port"] for x in server.status()["listeners"]]
        server.upgrade()
        assert not is_refused()
        assert [os.lstat(path).st_ino for path in paths][0] == inode
        with client(server, str(paths[0])) as connected:
            assert connected.get("/hello/you").status == 200
        rewrite(server, lambda config: config.update(listeners=config["listeners"][:2]))
        server.upgrade()
        harness.wait_for(is_refused, "the end of the port")
        harness.wait_for(lambda: not paths[1].exists(), "the end of the second's file")
        with client(server, str(paths[0])) as connected:
            assert connected.get("/hello/you").status == 200
    finally:
        server.stop()
    assert not paths[0].exists()


def test_an_upgrade_that_fails_leaves_it(tmp_path, make_config, certificates):
    path = tmp_path / "one.sock"
    server = Upgradable(tmp_path, make_config(listeners=[
        {"address": "127.0.0.1:0"}, {"address": f"unix:{path}"}]), certificates)
    try:
        server.wait_log("serving with")
        (tmp_path / "precious").write_text("words")
        rewrite(server, lambda config: config["listeners"].extend([
            {"address": f"unix:{tmp_path}/new.sock"},
            {"address": f"unix:{tmp_path}/precious"}]))
        os.kill(server.pid, signal.SIGUSR2)
        server.wait_log("the new program did not start")
        assert not (tmp_path / "new.sock").exists()
        with client(server, str(path)) as connected:
            assert connected.get("/hello/you").status == 200
    finally:
        server.stop()
    assert not path.exists()
