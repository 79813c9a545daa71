# SPDX-License-Identifier: MIT
"""Behind a real proxy, in every way in which HAProxy says who the client is."""

import shutil
import signal
import socket
import subprocess

import pytest

import harness

# It lives beside what only root may run.
HAPROXY = shutil.which("haproxy", path="/usr/local/sbin:/usr/sbin:/usr/bin")
pytestmark = pytest.mark.skipif(HAPROXY is None, reason="no haproxy")

WAYS = ["send-proxy", "send-proxy-v2", "send-proxy-v2-ssl-cn",
        "send-proxy-v2 proxy-v2-options unique-id,crc32c"]


@pytest.fixture(scope="module")
def server(tmp_path_factory, make_config, certificates):
    folder = tmp_path_factory.mktemp("backend")
    running = harness.Server(folder, make_config(listeners=[
        {"address": "127.0.0.1:0", "proxy_protocol": {"from": ["127.0.0.1"]}},
        {"address": "unix:web.sock", "proxy_protocol": {"from": ["unix"]}}]),
        certificates)
    running.wait_log("serving with")
    yield running
    running.stop()


@pytest.fixture
def through(server, tmp_path):
    """Starts a proxy that passes on in some way: the socket that it listens on."""
    running = []

    def start(to, way):
        listener = socket.create_server(("127.0.0.1", 0))
        config = tmp_path / "haproxy.cfg"
        config.write_text(
            "defaults\n mode tcp\n timeout connect 30s\n timeout client 30s\n"
            " timeout server 30s\n"
            f"frontend front\n bind fd@{listener.fileno()}\n unique-id-format %[uuid()]\n"
            f" default_backend back\nbackend back\n"
            f" server tincan {to} {way} check check-send-proxy inter 100ms\n")
        running.append((listener, subprocess.Popen(
            [HAPROXY, "-db", "-f", config], pass_fds=[listener.fileno()],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)))
        return listener.getsockname()

    yield start
    for listener, process in running:
        listener.close()
        process.send_signal(signal.SIGTERM)
        process.wait(harness.DEADLINE)


def assert_seen(server, address):
    with socket.create_connection(address, harness.DEADLINE) as sock:
        own = sock.getsockname()
        with harness.Client(server.context().wrap_socket(
                sock, server_hostname="localhost")) as client:
            found = client.get("/echo").json
    assert found["client"] == {"address": own[0], "port": str(own[1])}
    assert found["server"]["port"] == str(address[1])


@pytest.mark.parametrize("way", WAYS)
def test_over_tcp(server, through, way):
    assert_seen(server, through(f"127.0.0.1:{server.port}", way))
    assert "refused" not in server.log


def test_over_a_unix_socket(server, through):
    assert_seen(server, through(f"unix@{server.folder}/web.sock", "send-proxy-v2"))
    assert "refused" not in server.log
