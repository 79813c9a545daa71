# SPDX-License-Identifier: MIT
"""Fixtures: a server for all tests that only ask, and a way to start others."""

import contextlib
import os
import subprocess
import tempfile

import pytest

import harness
import plugs


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """The folder of ca.crt, localhost.crt and localhost.key."""
    folder = tmp_path_factory.mktemp("certs")
    subprocess.run([harness.TOP / "certs/make-dev-certs", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def make_config(certificates):
    """A whole configuration, its top keys changed by keyword."""
    def make(**changes):
        config = {
            "listeners": [{"address": "127.0.0.1:0"}],
            "certificates": [{"chain": str(certificates / "localhost.crt"),
                              "key": str(certificates / "localhost.key")}],
            "plugins": {"directory": str(harness.PLUGINS), "serve_unrouted": False},
            "routes": [
                {"path": "/hello/{name}", "handler": "hello"},
                {"path": "/echo", "handler": "echo"},
                {"path": "/echo/*", "handler": "echo"},
                {"path": "/status", "handler": "status"},
            ],
            "log": {"access": "access.log", "error": "-"},
            "workers": 2,
        }
        config.update(changes)
        return config
    return make


@pytest.fixture
def start_server(tmp_path, certificates, make_config):
    """Starts servers with a changed configuration; each is checked when it stops."""
    with contextlib.ExitStack() as servers:
        def start(prefix=(), preexec_fn=None, stdout=subprocess.DEVNULL, **changes):
            folder = tempfile.mkdtemp(prefix="server", dir=tmp_path)
            server = harness.Server(folder, make_config(**changes), certificates, prefix,
                                    preexec_fn=preexec_fn, stdout=stdout)
            servers.callback(server.stop)
            return server

        yield start


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder behind /files/ of the common server; tests add what they need."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text("<!DOCTYPE html>\n<title>front</title>\n")
    (folder / "digits.txt").write_text("0123456789" * 10)
    past = 1577836800  # 2020-01-01T00:00:00Z
    os.utime(folder / "digits.txt", (past, past))
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory, certificates, make_config, site):
    """One server for every test that leaves it as it was."""
    routes = make_config()["routes"] + [
        {"path": "/files/*", "handler": "files", "settings": {"root": str(site)}},
        {"path": "/list/*", "handler": "files", "settings": {
            "root": str(site), "listing": True, "symlinks": True, "hidden": True,
            "precompressed": False, "max_age": 60, "types": {"tin": "text/x-tin"}}},
        {"path": "/www/*", "handler": "files",
         "settings": {"root": str(harness.TOP / "www")}},
        {"path": "/metrics", "handler": "status"},
        {"path": "/greet", "handler": "hello", "settings": {"greeting": "Ahoy"}},
    ]
    running = harness.Server(tmp_path_factory.mktemp("server"),
                             make_config(routes=routes), certificates)
    yield running
    running.stop()


@pytest.fixture
def client(server):
    """A connection to the common server."""
    with server.connect() as connected:
        yield connected


@pytest.fixture(params=["host", "worker"])
def isolation(request):
    """Where the handlers of a test run."""
    return request.param


@pytest.fixture(params=["http1", "http2"])
def protocol(request):
    """What its client speaks."""
    return request.param


@pytest.fixture(params=["--http1.1", "--http2"])
def version(request):
    """The same for curl."""
    return request.param


@pytest.fixture(scope="session", params=["host", "worker"])
def either(request, tmp_path_factory, make_config, certificates, site):
    """A server whose handlers have processes, and one with all of them in its workers."""
    folder = tmp_path_factory.mktemp(request.param)
    plug = plugs.Plugs(folder)
    for name in "echo", "files", "status":
        plug.add(harness.PLUGINS / f"{name}.so")
    for name in "bulk", "heavy", "sender":
        plug.add(harness.BUILD / f"tests/plugins/{name}.so")
    plug.drop("empty", "", first="return tc.reply(r, 204, NULL, NULL, 0);")
    names = "bulk", "echo", "empty", "files", "heavy", "hello", "sender", "status"
    routes = make_config()["routes"] + [
        {"path": "/files/*", "handler": "files", "settings": {"root": str(site)}},
        {"path": "/pieces", "handler": "sender"},
        {"path": "/size", "handler": "heavy"},
    ]
    running = harness.Server(folder, make_config(
        routes=routes, plugins={"directory": str(plug.directory)},
        limits={"max_body_bytes": 16 << 20},
        handlers={name: {"isolation": request.param} for name in names}), certificates)
    yield running
    running.stop()
