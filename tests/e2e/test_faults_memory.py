# SPDX-License-Identifier: MIT
"""Memory runs out: the n-th allocation of a process fails while a client is served, alone
or with all after it, for every n there is. The client gets its reply, a 5xx, or the end
of its stream or connection; the worker goes on, and the next client is served.

Without TINCAN_LONG=1 the first 30 are tried, and later ones now and then."""

import gzip
import os
import re
import signal
import ssl

import pytest

import faults
import h2
import harness
import plugs
import ws

LONG = "TINCAN_LONG" in os.environ
BODY = b"0123456789abcdef" * 3200
HANDLERS = "compress", "echo", "files", "headers", "hello", "status"
PROTOCOL = "tincan-lame"
# What a client says of a server that ends a connection; of one that hangs it says else.
CUT = re.compile("the connection ended|the end came before|Code.INTERNAL_ERROR")


def start(folder, make_config, certificates, isolation):
    """A server of one worker, and its faults."""
    plug = plugs.Plugs(folder)
    for name in HANDLERS:
        plug.add(harness.PLUGINS / f"{name}.so")
    plug.add(harness.BUILD / "tests/plugins/upload.so")
    (folder / "data.bin").write_bytes(BODY)
    (folder / "data.txt").write_bytes(BODY)
    config = make_config(workers=1, alpn={PROTOCOL: "echo"},
                         plugins={"directory": str(plug.directory)},
                         handlers={name: {"isolation": isolation}
                                   for name in (*HANDLERS, "upload")})
    files = {"handler": "files", "settings": {"root": str(folder)}}
    config["routes"] += [
        {"path": "/files/*", **files}, {"path": "/upload/*", "handler": "upload"},
        {"path": "/filtered/*", **files, "filters": [
            {"handler": "headers", "settings": {"set": {"X-Guard": "on"}}},
            {"handler": "compress"}]}]
    return faults.start(folder, config, certificates)


@pytest.fixture(scope="module", params=["host", "worker"])
def lame(request, tmp_path_factory, make_config, certificates):
    server, orders = start(tmp_path_factory.mktemp("lame"), make_config, certificates,
                           request.param)
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


def pieces(server, arm):
    """A body that the handler takes, and gives back, in pieces."""
    with server.connect() as client:
        arm()
        right(client.request("POST", "/upload/echo", body=BODY), BODY)


def pieces_h2(server, arm):
    with h2.connect(server) as client:
        arm()
        right(client.request("POST", "/upload/echo", body=BODY[:30000]), BODY[:30000])


def filtered(server, arm, connect=harness.Server.connect):
    """Whose fields protect something: nothing goes out without them."""
    with connect(server) as client:
        arm()
        reply = client.request("GET", "/filtered/data.txt", "accept-encoding: gzip")
        if reply.status == 200:
            assert reply.header("x-guard") == "on"
            if reply.header("content-encoding"):
                reply.body = gzip.decompress(reply.body)
        right(reply, BODY)


def filtered_h2(server, arm):
    filtered(server, arm, h2.connect)


def stream(server, arm):
    context = server.context()
    context.set_alpn_protocols([PROTOCOL])
    arm()
    with server.connect(context) as client:
        client.send(b"hello")
        assert client.read(5) == b"hello"


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
    "upload h2": upload_h2, "pieces": pieces, "pieces h2": pieces_h2,
    "filtered": filtered, "filtered h2": filtered_h2, "stream": stream,
    "websocket": websocket("h1"), "websocket h2": websocket("h2"),
}


ALIVE = {"echo": "/echo", "upload": "/upload/send?1", "compress": "/filtered/data.txt",
         "headers": "/filtered/data.txt"}  # which only that host can answer


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


def fresh_host(server, handler):
    """An echo that has run for a while has room, and asks for none; this one has
    answered, so that its death is none of those that make the next one wait."""
    # One that the trial before has ended may still be on its way: who answers is not.
    harness.wait_for(lambda: server.get(ALIVE[handler]).status == 200, "an answer")
    old, = harness.wait_for(lambda: server.hosts(handler), "a host")
    if handler != "echo":
        return old
    os.kill(old, signal.SIGKILL)
    new, = harness.wait_for(lambda: [pid for pid in server.hosts(handler) if pid != old],
                            "a new host")
    # Until it has opened its routes it may end for want of memory in any way.
    assert server.get("/echo").status == 200
    return new


@pytest.mark.parametrize("handler, name", [
    ("echo", "upload"), ("echo", "stream"), ("echo", "websocket"), ("upload", "pieces"),
    ("compress", "filtered"), ("headers", "filtered")])
def test_host(request, tmp_path, certificates, make_config, handler, name):
    """One that has no memory left says so, and may end; the next one goes on."""
    server, orders = start(tmp_path, make_config, certificates, "host")
    request.addfinalizer(lambda: server.stopped or server.kill())
    for n in trials():
        host = fresh_host(server, handler)
        attempt(SCENARIOS[name], server, lambda: orders.order(host, memory_after=n))
        failed = orders.memory_failed
        orders.clear()
        SCENARIOS[name](server, lambda: None)
        if not failed:
            break
    server.stop()
    assert n > 1 and "signal 6" not in server.log
