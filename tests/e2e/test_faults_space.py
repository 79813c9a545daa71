# SPDX-License-Identifier: MIT
"""The disk is full. A handler that cannot be copied does not come, in words; the version
before it serves on, and when there is room again the new one takes over."""

import os
import pathlib
import subprocess

import pytest

import harness
import plugs

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a disk is root's to mount")


@pytest.fixture
def disk(tmp_path):
    """A small one."""
    folder = tmp_path / "state"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=755", "tincan", folder]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("nothing may be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def server(tmp_path, disk, make_config, certificates):
    plug = plugs.Plugs(tmp_path)
    plug.drop("guest", "first")
    running = harness.Server(tmp_path, make_config(
        state=str(disk), plugins={"directory": str(plug.directory)}, routes=[
            {"path": "/guest", "handler": "guest"}]), certificates)
    running.plug = plug
    yield running
    running.stop()


def fill(disk):
    path = pathlib.Path(disk, "filler")
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            return path


@needs_root
def test_a_handler_that_cannot_be_copied_does_not_come(server, disk):
    plugs.answers(server, "/guest", "first")
    filler = fill(disk)
    server.plug.drop("guest", "second")
    server.wait_log("guest-.*No space left on device")
    assert server.get("/guest").text == "first"
    filler.unlink()
    server.plug.drop("guest", "third")
    plugs.answers(server, "/guest", "third")
