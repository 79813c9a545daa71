# SPDX-License-Identifier: MIT
"""Starting, stopping, dying: what the master promises about its workers."""

import json
import os
import resource
import signal
import socket
import ssl
import subprocess

import pytest

import harness


def refuses(server):
    """Is nobody listening there any more?"""
    try:
        server.tcp().close()
        return False
    except ConnectionResetError:
        return False  # it was in the queue of a socket that is closed just now
    except ConnectionRefusedError:
        return True


@pytest.fixture
def big(tmp_path):
    """Routes to a file that no socket buffer holds."""
    (tmp_path / "big").mkdir()
    with open(tmp_path / "big/file.bin", "wb") as file:
        file.truncate(64 << 20)
    return [{"path": "/*", "handler": "files",
             "settings": {"root": str(tmp_path / "big")}}]


# Stopping


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_with_0(start_server, number):
    server = start_server()
    server.get("/hello/x")
    server.signal(number)
    assert server.wait_exit() == 0


def test_starts_no_process_while_it_stops(start_server):
    server = start_server()
    server.get("/hello/x")
    server.stop()
    assert "takes no host" not in server.log


def test_finishes_an_upload_in_flight(start_server):
    server = start_server()
    with server.connect() as client:
        client.start("POST", "/echo", "Content-Length: 10")
        client.send("12345")
        server.signal(signal.SIGTERM)
        server.wait_log("stopping")
        harness.wait_for(lambda: refuses(server), "the end of accepting")
        client.send("67890")
        reply = client.read_reply()
        assert reply.json["body"]["data"] == "1234567890"
        assert reply.header("connection") == "close"
        assert client.ended()
    assert server.wait_exit() == 0


def test_finishes_a_header_in_flight(start_server):
    server = start_server()
    with server.connect() as client:
        client.send("GET /hello/x HTTP/1.1\r\nHost: loc")
        harness.wait_for(lambda: sum(
            worker["tincan_received_bytes_total"] for worker in
            server.get("/status").json["workers"].values()) > 0, "its first bytes")
        server.signal(signal.SIGTERM)
        server.wait_log("stopping")
        client.send("alhost\r\n\r\n")
        assert client.read_reply().text == "Hello, x!\n"
    assert server.wait_exit() == 0


def test_finishes_a_download_in_flight(start_server, big):
    server = start_server(routes=big)
    with server.connect() as client:
        client.start("GET", "/file.bin")
        head = client.read_head()
        server.signal(signal.SIGTERM)
        server.wait_log("stopping")
        harness.wait_for(lambda: refuses(server), "the end of accepting")
        assert len(client.read(int(head.header("content-length")))) == 64 << 20
        assert client.ended()
    assert server.wait_exit() == 0


def test_closes_idle_connections(start_server):
    server = start_server()
    with server.connect() as client, server.connect() as fresh:
        client.get("/hello/x")
        server.signal(signal.SIGTERM)
        assert client.ended()
        assert fresh.ended()
    assert server.wait_exit() == 0


def test_a_connection_that_was_busy_a_moment_ago_may_ask_once_more(start_server):
    server = start_server()
    with server.connect() as client:
        client.get("/hello/x")
        server.signal(signal.SIGTERM)
        harness.wait_for(lambda: refuses(server), "the end of accepting")
        reply = client.get("/hello/x")
        assert reply.status == 200
        assert reply.header("connection") == "close"
        assert client.ended()
    assert server.wait_exit() == 0


def test_handshake_in_flight_without_a_request_does_not_hold_it_up(start_server):
    server = start_server(timeouts={"idle_ms": 600000})
    sock = server.tcp()
    server.get("/hello/x")
    server.signal(signal.SIGTERM)
    server.wait_log("stopping")
    try:
        tls = server.context().wrap_socket(sock, server_hostname="localhost")
        with harness.Client(tls) as client:
            assert client.ended()
    except (ConnectionError, ssl.SSLError):
        sock.close()  # closed before the handshake: nothing was in flight
    assert server.wait_exit() == 0


def test_drain_ms_bounds_the_wait(start_server):
    server = start_server(timeouts={"drain_ms": 100})
    with server.connect() as client:
        client.start("POST", "/echo", "Content-Length: 10")
        server.signal(signal.SIGTERM)
        server.wait_log("drain_ms has passed")
        assert client.ended()
    assert server.wait_exit() == 0


def test_second_signal_stops_at_once(start_server):
    server = start_server()
    with server.connect() as client:
        client.start("POST", "/echo", "Content-Length: 10")
        client.send("1")
        server.signal(signal.SIGTERM)
        server.wait_log("finishing what is in flight")
        server.signal(signal.SIGTERM)
        server.wait_log("stopping at once")
        server.wait_exit()


def test_accepted_by_the_kernel_but_not_by_us_is_served_too(start_server):
    server = start_server(workers=1)
    # A child that is about to become a host counts as a worker for a moment.
    worker, = harness.wait_for(lambda: len(server.workers) == 1 and server.workers, "one")
    os.kill(worker, signal.SIGSTOP)
    sock = server.tcp()  # waits in the queue of a worker that sleeps
    server.signal(signal.SIGTERM)
    server.wait_log("stopping")
    os.kill(worker, signal.SIGCONT)
    tls = server.context().wrap_socket(sock, server_hostname="localhost")
    with harness.Client(tls) as client:
        client.start("GET", "/hello/x")
        assert client.read_reply().status == 200
    assert server.wait_exit() == 0


# Workers that die


def test_dead_worker_is_replaced(start_server):
    server = start_server()
    before = server.workers
    os.kill(before[0], signal.SIGKILL)
    server.wait_log(rf"worker \d+ \(pid {before[0]}\) died: signal 9 \(Killed\)")
    harness.wait_for(lambda: len(server.workers) == 2, "a new worker")
    assert before[0] not in server.workers and before[1] in server.workers
    for _ in range(20):
        assert server.get("/hello/x").status == 200


def test_other_workers_keep_their_connections(start_server):
    server = start_server()
    clients = [server.connect() for _ in range(20)]
    os.kill(server.workers[0], signal.SIGKILL)
    server.wait_log("died")
    alive = 0
    for client in clients:
        try:
            client.start("GET", "/hello/x")
            alive += not client.ended() and client.read_reply().status == 200
        except OSError:
            pass
        client.close()
    assert alive > 0


@pytest.fixture
def crasher(tmp_path):
    """A folder of plugins, one of which is of no use."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    source = folder / "crasher.c"
    source.write_text("""
        #include <stdlib.h>
        #include <tincan/handler.h>
        static int crash(tc_req *r) { (void)r; abort(); }
        TINCAN_HANDLER("crasher", .on_request = crash);
    """)
    subprocess.run(["cc", "-shared", "-fPIC", "-fvisibility=hidden",
                    f"-I{harness.TOP}/include", "-o", folder / "crasher.so", source],
                   check=True)
    return folder


def test_blames_the_handler_and_the_request(start_server, crasher):
    server = start_server(plugins={"directory": str(crasher)},
                          handlers={"crasher": {"isolation": "worker"}},
                          routes=[{"path": "/crash", "handler": "crasher"}])
    with server.connect() as client:
        client.start("GET", "/crash?now")
        assert client.ended()
    line = server.wait_log("died: signal 6")
    assert "crasher" in line and "GET /crash?now" in line


def test_workers_do_not_outlive_their_master(start_server):
    server = start_server()
    server.signal(signal.SIGKILL)
    server.wait_exit()
    harness.wait_for(lambda: not harness.group_processes(server.pid), "their end")


# Starting


def test_port_in_use_names_the_process(start_server, make_config, tmp_path):
    server = start_server()
    (tmp_path / "server.json").write_text(json.dumps(make_config(
        listeners=[{"address": f"127.0.0.1:{server.port}"}])))
    done = harness.tincan("--config", "server.json", folder=tmp_path)
    assert done.returncode == 1
    assert f"in use by process {server.pid} (tincan)" in done.stderr
    assert f"127.0.0.1:{server.port}" in done.stderr
    assert server.get("/hello/x").status == 200


def test_port_in_use_by_somebody_else(make_config, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as sock:
        address = f"127.0.0.1:{sock.getsockname()[1]}"
        (tmp_path / "server.json").write_text(json.dumps(make_config(
            listeners=[{"address": address}])))
        done = harness.tincan("--config", "server.json", folder=tmp_path)
    assert done.returncode == 1
    assert f"in use by process {os.getpid()}" in done.stderr


def test_restarts_on_the_same_port_at_once(start_server):
    first = start_server()
    with first.connect() as client:
        client.get("/hello/x")  # leaves a socket in TIME_WAIT
        first.stop()
    again = start_server(listeners=[{"address": f"127.0.0.1:{first.port}"}])
    assert again.get("/hello/x").status == 200


def test_listens_on_several_addresses(start_server):
    server = start_server(listeners=[{"address": "127.0.0.1:0"}, {"address": "[::1]:0"}])
    port = int(server.wait_log(r"https://\[::1\]:").split("[::1]:")[1].split('"')[0])
    sock = socket.create_connection(("::1", port), harness.DEADLINE)
    tls = server.context().wrap_socket(sock, server_hostname="localhost")
    with harness.Client(tls) as client:
        assert client.get("/echo").json["client"]["address"] == "::1"
    assert server.get("/hello/x").status == 200


def start_fails(tmp_path, config):
    (tmp_path / "server.json").write_text(
        config if isinstance(config, str) else json.dumps(config, indent=2))
    done = harness.tincan("--config", "server.json", folder=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    return done.stderr


def test_bad_config_tells_every_problem(tmp_path, make_config):
    said = start_fails(tmp_path, make_config(
        wokers=3, limits={"max_connections": 0}, routes=[{"path": "hello"}]))
    assert "wokers" in said and "did you mean 'workers'" in said
    assert "limits.max_connections" in said
    assert "routes[0].path" in said


def test_config_that_is_no_json_names_the_line(tmp_path):
    assert "server.json:2" in start_fails(tmp_path, '{\n"workers": 2,,\n}')


def test_missing_config(tmp_path):
    done = harness.tincan("--config", "server.json", folder=tmp_path)
    assert done.returncode == 2
    assert "server.json" in done.stderr and "No such file" in done.stderr


@pytest.mark.parametrize("chain, key, message", [
    ("localhost.crt", "nowhere.key", "No such file"),
    ("nowhere.crt", "localhost.key", "No such file"),
    ("localhost.crt", "ca.key", "key"),
    ("localhost.key", "localhost.key", "localhost.key"),
    ("localhost.crt", "localhost.crt", "localhost.crt"),
])
def test_bad_certificate_or_key(tmp_path, make_config, certificates, chain, key, message):
    said = start_fails(tmp_path, make_config(certificates=[
        {"chain": str(certificates / chain), "key": str(certificates / key)}]))
    assert "certificates[0]" in said
    assert message in said


def test_handler_that_is_not_there(tmp_path, make_config):
    said = start_fails(tmp_path, make_config(routes=[{"path": "/x", "handler": "helo"}]))
    assert "routes[0]" in said and "helo" in said and "did you mean 'hello'" in said


def test_without_certificates_it_makes_one(start_server):
    server = start_server(certificates=[])
    context = server.context()
    context.load_verify_locations(server.folder / "run/dev.crt")
    with server.connect(context) as client:
        assert client.get("/hello/x").status == 200
    server.wait_log("no certificate")


# Descriptors


def limit_files(number):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (number, number))


def test_limit_of_open_files_is_told(start_server):
    server = start_server(preexec_fn=limit_files(256), workers=1)
    server.wait_log(r"max_connections is 10000, .* but the limit is 256 \(ulimit -n\)")


def test_runs_out_of_files_and_recovers(start_server):
    server = start_server(preexec_fn=limit_files(64), workers=1)
    socks = [server.tcp() for _ in range(100)]
    server.wait_log("out of file descriptors")
    for sock in socks:
        sock.close()
    assert server.get("/hello/x").status == 200


def test_hangup_is_a_reload(start_server):
    server = start_server()
    server.signal(signal.SIGHUP)
    server.wait_log("generation 2 serves")
    assert server.get("/hello/x").status == 200
