# SPDX-License-Identifier: MIT
"""Handlers compiled long ago load in this build, and answer as they did."""

import json
import os
import pathlib
import re
import shutil

import pytest

import harness
import headers
import ws

ABI = pathlib.Path(__file__).resolve().parent.parent / "abi"
HANDLERS = ("hello", "echo", "files")


def folders(handler):
    return [pytest.param(path.parent, id=f"{path.parent.parent.name}-{path.parent.name}")
            for path in sorted(ABI.glob(f"*/*/{handler}.so"))]


@pytest.mark.parametrize("isolation", ["host", "worker"])
@pytest.mark.parametrize("folder", folders("hello"))
def test_compiled_handlers_still_answer(start_server, tmp_path, folder, isolation):
    plugins = tmp_path / "compiled"
    plugins.mkdir(mode=0o755)
    for file in folder.glob("*.so"):
        shutil.copy(file, plugins)
    root = tmp_path / "www"
    root.mkdir()
    (root / "page.txt").write_text("a page\n")
    server = start_server(
        plugins={"directory": str(plugins)},
        handlers={name: {"isolation": isolation} for name in HANDLERS},
        routes=[{"path": "/hello/{name}", "handler": "hello",
                 "settings": {"greeting": "Hej"}},
                {"path": "/echo", "handler": "echo"},
                {"path": "/files/*", "handler": "files",
                 "settings": {"root": str(root)}}])
    assert server.get("/hello/you").body == b"Hej, you!\n"
    assert server.get("/files/page.txt").body == b"a page\n"
    reply = server.request("POST", "/echo?x=1", body=b"text")
    assert json.loads(reply.body)["body"]["data"] == "text"


# One that uses all there is

SETTINGS = {"text": "t", "number": 3, "flag": False, "object": {"a": 1}, "file": "b"}
ANSWERS = {
    "facts?q": "POST /every/facts?q /every/facts facts q - w host 0 every 0 1 1 1",
    "settings": 't 3 0 1 a {"a":1} /b', "ref": "referred", "file": "file",
    "pieces": "pieces of a file", "shared": "1", "metrics": "figures", "timer": "timer",
    "post": "posted", "run": "worked", "watch": "ready 2", "body": "5", "bus": "told",
}


@pytest.fixture(scope="module", params=[
    pytest.param((isolation, *folder.values), id=f"{isolation}-{folder.id}")
    for isolation in ("host", "worker") for folder in folders("every")])
def every(request, tmp_path_factory, certificates, make_config):
    isolation, folder = request.param
    place = tmp_path_factory.mktemp("every")
    (place / "plugins").mkdir()
    for file in folder / "every.so", harness.PLUGINS / "hello.so":
        shutil.copy(file, place / "plugins")
    route = {"path": "/every/*", "handler": "every", "settings": SETTINGS}
    filtered = {"path": "/hello/{name}", "handler": "hello", "filters": ["every"]}
    running = harness.Server(place, make_config(
        plugins={"directory": "plugins", "serve_unrouted": False},
        handlers={"every": {"isolation": isolation}}, routes=[route, filtered]),
        certificates)
    running.isolation = isolation
    yield running
    running.stop()


@pytest.mark.parametrize("what", ANSWERS)
def test_everything_is_answered_still(every, what):
    reply = every.request("POST", f"/every/{what}", "X-Word: w", body=b"hello")
    assert (reply.status, reply.text) == (200, ANSWERS[what])
    if what == "pieces":
        assert (reply.header("x-set"), reply.header("x-added")) == ("set", "added")


def test_abort_breaks_off_still(every):
    with every.connect() as client:
        client.start("POST", "/every/abort", "Content-Length: 0")
        assert client.ended()


def test_websocket_is_served_still(every):
    with ws.open_h1(every, "/every/talk") as client:
        assert client.ask("word") == "1 1 every word"
        assert client.read_close() == 4000


def test_filter_filters_still(every):
    reply = every.get("/hello/you")
    assert (reply.status, reply.text) == (200, "Hello, you!\n!")
    assert reply.header("x-filter") == "seen"
    assert reply.header("x-type").startswith("text/plain")
    assert every.get("/hello/you?deny").status == 403


def test_a_compiled_handler_uses_all_that_there_is():
    """What a later level brings wants one more such handler."""
    text = (ABI / "every.c").read_text()
    used = set(re.findall(r"\b(?:tc\.|bus->|metrics->)(\w+)\(", text))
    assert set(headers.members("handler.h", "tc_api")) <= used
    assert set(headers.members("bus.h", "tc_bus")) <= used
    fields = set(re.findall(r"\.(\w+) = ", text))
    assert set(headers.members("handler.h", "tc_handler")) <= fields
    assert os.listdir(ABI / "level1")
