# SPDX-License-Identifier: MIT
"""Handlers compiled long ago load in this build, and answer as they did."""

import json
import pathlib
import shutil

import pytest

ABI = pathlib.Path(__file__).resolve().parent.parent / "abi"
FOLDERS = sorted({path.parent for path in ABI.glob("*/*/*.so")})
NAMES = [f"{path.parent.name}-{path.name}" for path in FOLDERS]
HANDLERS = ("hello", "echo", "files")


@pytest.mark.parametrize("isolation", ["host", "worker"])
@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
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
