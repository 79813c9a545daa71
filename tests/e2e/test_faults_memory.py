# SPDX-License-Identifier: MIT
"""Memory runs out: the n-th allocation of a process fails while a client is served, alone
or with all after it, for every n there is. The client gets its reply, a 5xx, or the end
of its stream or connection; the worker goes on, and the next client is served.

Without TINCAN_LONG=1 the first 30 are tried, and later ones now and then."""

import os
import re
import ssl

import pytest

import faults
import h2
import harness
import ws

LONG = "TINCAN_LONG" in os.environ
BODY = b"0123456789abcdef" * 3200
# What a client says of a server that ends a connection; of one that hangs it says else.
CUT = re.compile("the connection ended|the end came before|Code.INTERNAL_ERROR")


@pytest.fixture(scope="module", params=["host", "worker"])
def lame(request, tmp_path_factory, make_config, certificates):
    """A server of one worker, and its faults."""
    folder = tmp_path_factory.mktemp("lame")
    (folder / "data.bin").write_bytes(BODY)
    config = make_config(workers=1, handlers={name: {"isolation": request.param}
                                              for name in ("echo", "files", "hello")})
    config["routes"] += [
        {"path": "/files/*", "handler": "files", "settings": {"root": str(folder)}}]
    server, orders = faults.start(folder, config, certificates)
    yield server, orders
    server.stop()


def right(reply, body):
    """A reply may say that we are in trouble; if it says it is fine it must be whole."""
    assert reply.status == 200 and reply.body == body or reply.status >= 500, reply


# Each opens what it needs, then arms, then does what is on trial.


def handshake(server, arm):
    arm()
    with server.connect() as client:
        right(client.get("/hello/x"), b"Hello, x!\n")


def handshake_h2(server, arm):
    arm()
    with h2.connect(server) as client:
        right(client.get("/hello/x"), b"Hello, x!\n")


def get(server, arm):
    with server.connect() as client:
        arm()
        right(client.get("/hello/x"), b"Hello, x!\n")


def get_h2(server, arm):
    with h2.connect(server) as client:
        arm()
        right(client.get("/hello/x"), b"Hello, x!\n")


def download(server, arm):
    with server.connect() as client:
        arm()
        right(client.get("/files/data.bin"), BODY)


def download_h2(server, arm):
    with h2.connect(server) as client:
        arm()
        right(client.get("/files/data.bin"), BODY)


def upload(server, arm):
    with server.connect() as client:
        arm()
        reply = client.request("POST", "/echo", body=BODY)
        assert reply.status >= 500 or BODY in reply.body, reply


def upload_h2(server, arm):
    with h2.connect(server) as client:
        arm()
        reply = client.request("POST", "/echo", body=BODY[:30000])
        assert reply.status >= 500 or BODY[:30000] in reply.body, reply


def websocket(version):
    def talk(server, arm):
        arm()
        try:
            with ws.OPEN[version](server, "/echo") as socket:
                socket.text("hello")
                found = socket.read()
                assert found.payload == b"hello" or found.opcode == ws.Op.CLOSE
        except ws.Refused as refused:
            assert refused.reply.status >= 500
        except ws.End:
            pass
    return talk


SCENARIOS = {
    "handshake": handshake, "handshake h2": handshake_h2, "get": get, "get h2": get_h2,
    "download": download, "download h2": download_h2, "upload": upload,
    "upload h2": upload_h2, "websocket": websocket("h1"),
    "websocket h2": websocket("h2"),
}


def attempt(scenario, server, arm):
    try:
        scenario(server, arm)
    except (*h2.ENDS, ssl.SSLError):
        pass
    except AssertionError as error:
        if not CUT.search(str(error)):
            raise


def trials():
    """The numbers of the allocations that are to fail, for ever."""
    n = 0
    while True:
        n += 1 if LONG or n < 30 else 1 + n // 8
        yield n


@pytest.mark.parametrize("count", [1, 1000], ids=["one", "all"])
@pytest.mark.parametrize("name", SCENARIOS)
def test_worker(lame, name, count):
    server, orders = lame
    workers = server.workers
    for n in trials():
        attempt(SCENARIOS[name], server, lambda: orders.order(
            workers[0], memory_after=n, memory_count=count))
        failed = orders.memory_failed
        orders.clear()
        assert server.workers == workers, f"{n}: {server.log[-3000:]}"
        assert server.get("/hello/x").text == "Hello, x!\n", n
        if not failed:
            break
    assert n > 1


def test_host(tmp_path, certificates, make_config):
    """One that has no memory left says so and ends; the next one goes on."""
    server, orders = faults.start(tmp_path, make_config(workers=1), certificates)
    for n in trials():
        host, = harness.wait_for(lambda: server.hosts("echo"), "a host")
        attempt(upload, server, lambda: orders.order(host, memory_after=n))
        failed = orders.memory_failed
        orders.clear()
        assert server.get("/echo").status == 200, n
        if not failed:
            break
    server.stop()
    assert n > 1 and "signal" not in server.log
