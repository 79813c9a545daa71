# SPDX-License-Identifier: MIT
"""A handler runs on every server of its level or newer, and on an older one if it asks
before it calls: each kind of .so in a server of level 1.

Those of tests/plugins/grown are built with a header one level on, which is made of
ours. What a server of that level makes of the same files is in tests/unit/test_grown.c;
handlers that were compiled long ago are in test_released.py.
"""

import subprocess

import pytest

import harness
import plugs
import ws

TESTS = harness.BUILD / "tests/plugins"
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror"]
CXX = ["cxx", "cxx_filter"]
UNSORTED = "pear\nfig\napple"
# The name of each, the file it is in, what it answers at its own path.
RUNS = [("greet/world", TESTS / "greeter.so", "Hello, world\n"),
        ("newer", TESTS / "grown/newer.so", "runs\n"),
        ("asks", TESTS / "grown/asks.so", "doing without\n")]
REFUSED = [("demands", TESTS / "grown/demands.so",
            "needs level 2, this tincan has level 1; a newer tincan will run it"),
           ("sets", TESTS / "grown/sets.so",
            "fills in a field that this tincan does not know (offset 192)"),
           ("no_note", TESTS / "no_note.so", "not a tincan handler")]


def compile_handler(file, compiler, source, *flags):
    subprocess.run([compiler, *flags, *WARNINGS, "-g", "-shared", "-fPIC",
                    "-fvisibility=hidden", f"-I{harness.TOP}/include", "-o", file,
                    source], check=True)
    return file


def add_compiled(plug, isolation):
    """In a host what g++ and gcc make, in a worker what clang does."""
    gcc = isolation == "host"
    for name in CXX:
        plug.add(compile_handler(
            plug.workshop / f"{name}.so", "g++" if gcc else "clang++",
            harness.TOP / f"tests/plugins/{name}.cc", "-std=c++20"))
    plug.add(compile_handler(plug.workshop / "hello.so", "gcc" if gcc else "clang",
                             harness.TOP / "plugins/hello.c", "-std=gnu11"))


@pytest.fixture(scope="module", params=["host", "worker"])
def server(request, tmp_path_factory, certificates, make_config):
    folder = tmp_path_factory.mktemp(request.param)
    plug = plugs.Plugs(folder)
    for _, file, _ in RUNS + REFUSED:
        plug.add(file)
    add_compiled(plug, request.param)
    plug.add(TESTS / "grown/careless.so")
    plug.drop("fruit", UNSORTED.replace("\n", "\\n"))
    names = *CXX, "hello", "greeter", "newer", "asks"
    handlers = {name: {"isolation": request.param} for name in names}
    config = make_config(
        handlers=handlers, plugins={"directory": str(plug.directory)},
        routes=[{"path": "/cxx/*", "handler": "cxx",
                 "settings": {"greeting": "Moin from "}},
                {"path": "/fruit", "handler": "fruit", "filters": ["cxx_filter"]}])
    # ASan looks for the throw of C++ when a program starts, and these are C.
    prefix = ["env", "LD_PRELOAD=libstdc++.so.6"] if harness.SANITIZED else []
    running = harness.Server(folder, config, certificates, prefix)
    running.plug = plug
    yield running
    running.stop()


@pytest.mark.parametrize("name, answer", [(name, answer) for name, _, answer in RUNS])
def test_runs(server, name, answer):
    assert server.get(f"/{name}").text == answer


@pytest.mark.parametrize("name, why", [(name, why) for name, _, why in REFUSED])
def test_is_refused_with_one_line_that_says_why(server, name, why):
    assert why in server.wait_log(rf"/{name}\.so is not served")
    assert server.get(f"/{name}").status == 404


def test_careless_call_costs_one_request_and_is_told(server):
    assert server.get("/careless").status == 502
    server.wait_log(r"handler careless called a function that this tincan \(level 1\) "
                    "does not have; TC_HAS tells beforehand")
    server.wait_log("'careless', .*: crashed in on_request, .*: signal 6")
    assert server.get("/newer").text == "runs\n"


def test_the_other_compiler_makes_the_same(server):
    assert server.get("/hello/you").text == "Hello, you!\n"


def test_cxx_answers_with_its_settings(server):
    assert server.get("/cxx/here").text == "Moin from /cxx/here\n"


def test_cxx_answers_later_from_a_lambda(server):
    assert server.get("/cxx/later").text == "Moin from last\n"


def test_cxx_catches_what_it_throws_at_the_edge(server):
    with server.connect() as client:
        assert client.get("/cxx/throw").status == 500
        server.wait_log("caught: thrown on purpose")
        assert client.get("/cxx/here").status == 200


def test_cxx_talks_over_a_websocket(server):
    with ws.open_h1(server, "/cxx/talk") as client:
        assert [client.ask(text) for text in ("one", "two")] == ["ONE 1", "TWO 2"]


def test_cxx_filters(server):
    reply = server.get("/fruit")
    assert (reply.text, reply.header("x-sorted")) == ("applefig\npear\n", "200")
    server.wait_log("sorter forgets /fruit")
    assert server.get("/fruit", "X-Wish: deny").text == "denied\n"


def test_cxx_filter_catches_what_it_throws_at_the_edge(server):
    with server.connect() as client:
        assert client.get("/fruit", "X-Wish: throw").status == 500
        server.wait_log("caught: a wish that is not granted")
        assert client.get("/fruit").status == 200
