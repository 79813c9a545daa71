# SPDX-License-Identifier: MIT
"""A file that is dropped into the directory is served; a bad one never goes live."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

import harness
import load
import neighbour
import plugs

PAUSE = 0.1  # of a slow writer
FRESH_MS = 500  # from the drop to the first reply


@pytest.fixture
def plug(tmp_path):
    return plugs.Plugs(tmp_path)


@pytest.fixture
def server(start_server, plug):
    return start_server(plugins={"directory": str(plug.directory)}, routes=[])


# How a file comes


def cp(source, target):
    subprocess.run(["cp", source, target], check=True)


def mv(source, target):
    subprocess.run(["mv", "-f", source, target], check=True)


def install(source, target):
    subprocess.run(["install", "-m", "755", source, target], check=True)


def link(source, target):
    """A hard link, as some package managers make them."""
    target.unlink(missing_ok=True)
    os.link(source, target)


def write_slowly(source, target):
    """As scp over a slow line does; each pause is shorter than the quiet time."""
    content = source.read_bytes()
    step = len(content) // 4 + 1
    with open(target, "wb", buffering=0) as file:
        for start in range(0, len(content), step):
            file.write(content[start:start + step])
            time.sleep(PAUSE)


def write_with_long_pauses(source, target):
    """Each pause is longer than the quiet time: what is there then is no plugin yet."""
    content = source.read_bytes()
    with open(target, "wb", buffering=0) as file:
        file.write(content[:len(content) // 2])
        time.sleep(10 * PAUSE)
        file.write(content[len(content) // 2:])


def preallocate(source, target):
    """All zeros first, in full size, then the content, as some downloaders do."""
    content = source.read_bytes()
    with open(target, "wb", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, len(content))
        time.sleep(10 * PAUSE)
        file.write(content)


def over_a_temporary_name(source, target):
    hidden = target.with_name("." + target.name)
    cp(source, hidden)
    hidden.rename(target)


WAYS = [cp, mv, install, link, write_slowly, write_with_long_pauses, preallocate,
        over_a_temporary_name]


@pytest.mark.parametrize("way", WAYS)
def test_new_file_is_served(server, plug, way):
    file = plug.make("fresh", "one")
    with load.Steady(server):
        assert server.get("/fresh").status == 404
        way(file, plug / "fresh.so")
        plugs.answers(server, "/fresh", "one")
    server.wait_log("handler 'fresh', version [0-9a-f]{16}, is live")


@pytest.mark.parametrize("way", WAYS)
def test_file_over_a_served_one_takes_its_place(server, plug, way):
    plug.drop("fresh", "one")
    plugs.answers(server, "/fresh", "one")
    file = plug.make("fresh", "two")
    with load.Steady(server), load.Steady(server, "/fresh"):
        way(file, plug / "fresh.so")
        plugs.answers(server, "/fresh", "two")
    server.wait_log(r"handler 'fresh', version \w{16}, is live in place of \w{16}")


def test_linker_writes_into_the_directory_itself(server, plug):
    with load.Steady(server):
        for text in ["one", "two"]:
            plugs.build(plug / "fresh.so", "fresh", text)
            plugs.answers(server, "/fresh", text)


def test_drop_to_served_takes_less_than_half_a_second(server, plug):
    """If it is let: on a busy machine some of many drops, on any other the first."""
    took = []
    bound = FRESH_MS * (4 if harness.SANITIZED else 1)
    plug.drop("fresh", "0")
    plugs.answers(server, "/fresh", "0")
    with server.connect() as client:
        while sum(ms < bound for ms in took) < 3:
            assert len(took) < 40, sorted(took)
            text = f"{len(took) + 1}"
            file = plug.make("fresh", text)
            with neighbour.Stopwatch(server) as watch:
                mv(file, plug / "fresh.so")
                harness.wait_for(lambda: client.get("/fresh").text == text, "it")
            took.append(1000 * watch.seconds)


# How a file goes


def test_what_a_handler_says_last_is_heard(server, plug):
    """Its process is not ended in the middle of a sentence."""
    code = """
    static void stop(void *state, int why)
    {
        (void)state;
        tc_log(TC_INFO, "stopped by %d", why);
    }

    static void shut(void *state)
    {
        (void)state;
        tc_log(TC_INFO, "shut");
    }
    """
    plug.drop("last", "one", code=code, fields=".on_stop = stop, .on_close = shut")
    plugs.answers(server, "/last", "one")
    plug.drop("last", "two")
    plugs.answers(server, "/last", "two")
    server.wait_log("stopped by")
    server.wait_log(r"\bshut\b")


def test_removed_file_is_retired_and_comes_back(server, plug):
    plug.drop("fresh", "one")
    plugs.answers(server, "/fresh", "one")
    kept = plug.make("fresh", "one")
    with load.Steady(server):
        (plug / "fresh.so").unlink()
        harness.wait_for(lambda: server.get("/fresh").status == 404, "its end")
        server.wait_log("handler 'fresh' is retired")
        harness.wait_for(lambda: not server.hosts("fresh"), "the end of its processes")
        mv(kept, plug / "fresh.so")
        plugs.answers(server, "/fresh", "one")


@pytest.mark.parametrize("isolation", ["host", "worker"])
def test_removed_file_of_a_route_is_missed_and_all_goes_on(start_server, plug, isolation):
    plug.drop("named", "one")
    server = start_server(plugins={"directory": str(plug.directory)},
                          handlers={"named": {"isolation": isolation}},
                          routes=[{"path": "/here", "handler": "named"}])
    with load.Steady(server):
        (plug / "named.so").unlink()
        server.wait_log(r"named\.so is not served: it is not there any more; "
                        "version before goes on: [0-9a-f]{16}")
        assert server.get("/here").text == "one"
        plug.drop("fresh", "other")
        plugs.answers(server, "/fresh", "other")
        assert server.get("/here").text == "one"
        plug.drop("named", "two")
        plugs.answers(server, "/here", "two")
    assert server.log.count("not there any more") == 1


@pytest.mark.parametrize("isolation", ["host", "worker"])
def test_file_that_becomes_another_handler_changes_nothing(start_server, plug, isolation):
    plug.drop("named", "one")
    server = start_server(plugins={"directory": str(plug.directory)},
                          handlers={"named": {"isolation": isolation}},
                          routes=[{"path": "/here", "handler": "named"}])
    with load.Steady(server):
        mv(plug.make("other", "two"), plug / "named.so")
        server.wait_log(r"named\.so is not served: it is handler 'other' now, and "
                        "server.json has a use for 'named'; version before goes on: "
                        "[0-9a-f]{16}")
        plug.drop("fresh", "three")
        plugs.answers(server, "/fresh", "three")
        assert server.get("/here").text == "one"
        assert server.get("/other").status == 404
        done = harness.tincan("status", "--json", "--config", server.config)
        found, = (x for x in json.loads(done.stdout)["plugins"] if x["name"] == "named")
        assert found["state"] == "kept"
        assert found["reason"].startswith("it is handler 'other' now")
        plug.drop("named", "four")
        plugs.answers(server, "/here", "four")
    assert server.log.count("it is handler 'other' now") == 1


def test_removed_file_that_only_handlers_names_is_retired(start_server, plug):
    plug.drop("named", "one")
    server = start_server(plugins={"directory": str(plug.directory)},
                          handlers={"named": {"timeout_ms": 1000}}, routes=[])
    plugs.answers(server, "/named", "one")
    (plug / "named.so").unlink()
    harness.wait_for(lambda: server.get("/named").status == 404, "its end")
    plug.drop("fresh", "other")
    plugs.answers(server, "/fresh", "other")


def test_other_directory_in_its_place(server, plug):
    plug.drop("fresh", "one")
    plugs.answers(server, "/fresh", "one")
    with load.Steady(server):
        plug.directory.rename(plug.workshop / "old")
        plug.directory.mkdir()
        plug.add(harness.PLUGINS / "hello.so")
        plug.drop("fresh", "two")
        plugs.answers(server, "/fresh", "two")


def test_without_its_directory_all_goes_on(server, plug):
    plug.drop("fresh", "one")
    plugs.answers(server, "/fresh", "one")
    shutil.rmtree(plug.directory)
    server.wait_log(f"{plug.directory}.*cannot be read")
    assert server.get("/fresh").text == "one"


# What is not taken


def cut(content):
    return content[:len(content) * 2 // 3]


def scribble(content):
    return b"#!/bin/sh\n" + content


@pytest.mark.parametrize("damage, said", [
    (cut, "cut off|outside the file|truncated|past the end"),
    (scribble, "not an ELF"),
    (lambda content: b"", "empty|not an ELF"),
    (lambda content: bytes(len(content)), "not an ELF"),
])
def test_bad_file_keeps_the_version_before_it(server, plug, damage, said):
    plug.drop("fresh", "one")
    plugs.answers(server, "/fresh", "one")
    content = (plug / "fresh.so").read_bytes()
    with load.Steady(server), load.Steady(server, "/fresh"):
        (plug / "fresh.so").write_bytes(damage(content))
        line = server.wait_log(r"fresh\.so is not served")
        assert re.search(said, line) and "goes on" in line
        assert server.get("/fresh").text == "one"
        cp(plug.make("fresh", "two"), plug / "fresh.so")
        plugs.answers(server, "/fresh", "two")


@pytest.mark.parametrize("change, said", [
    ({"fields": ".on_open = refuse", "code": "static int refuse(tc_conf *cf, void **s)"
      '{ (void)s; return tc.conf_error(cf, "x", "no good"); }'}, "no good"),
    ({"fields": '.check = "GET /fresh 201"'}, "GET /fresh 201"),
    ({"code": "__attribute__((constructor)) static void die(void) { abort(); }"},
     "crashed in loading: signal 6"),
    ({"code": "int nowhere(void);", "first": "if (nowhere()) return 0;"}, "nowhere"),
])
def test_version_that_fails_its_probe_never_goes_live(server, plug, change, said):
    plug.drop("fresh", "one")
    plugs.answers(server, "/fresh", "one")
    with load.Steady(server), load.Steady(server, "/fresh"):
        plug.drop("fresh", "two", **change)
        assert said in server.wait_log(r"fresh\.so is not served")
        assert server.get("/fresh").text == "one"


def test_of_two_claims_to_a_path_the_older_stays(server, plug):
    plug.drop("older", "older", fields='.route = "/same"')
    plugs.answers(server, "/same", "older")
    plug.drop("a-newer", "newer", fields='.route = "/same"')
    line = server.wait_log("a-newer.so is not served")
    assert "its own route '/same' is taken by" in line and "older.so" in line
    assert server.get("/same").text == "older"
    (plug / "older.so").unlink()
    plugs.answers(server, "/same", "newer")


def test_of_two_claims_to_a_name_the_older_stays(server, plug):
    plug.drop("older", "older")
    plugs.answers(server, "/older", "older")
    mv(plug.make("older", "newer"), plug / "a-newer.so")
    line = server.wait_log("a-newer.so is not served")
    assert "its handler name 'older' is taken by" in line and "older.so" in line
    assert server.get("/older").text == "older"


@pytest.mark.parametrize("name", [".hidden.so", "fresh.so.tmp", "fresh.txt"])
def test_other_names_are_nobodys_business(server, plug, name):
    mv(plug.make("fresh", "one"), plug / name)
    plug.drop("other", "other")
    plugs.answers(server, "/other", "other")
    assert server.get("/fresh").status == 404
    assert pathlib.Path(name).name not in server.log


# Probation


def test_new_version_that_crashes_is_rolled_back_until_its_file_changes(server, plug):
    plug.drop("fresh", "one")
    plugs.answers(server, "/fresh", "one")
    bad = plug.make("fresh", "two", first='if (tc.query(r)[0] != 0) abort();')
    with load.Steady(server), load.Steady(server, "/fresh"):
        cp(bad, plug / "fresh.so")
        plugs.answers(server, "/fresh", "two")
        assert server.get("/fresh?die").status == 502
        # Each worker may still have the bad one for a moment, or a death to forgive.
        plugs.answers(server, "/fresh?die", "one")
        server.wait_log("'fresh', version .* is in quarantine until its file changes")
        plugs.answers(server, "/fresh", "one")
        assert server.get("/fresh?die").text == "one"
        before = len(server.lines)
        plug.drop("other", "other")
        plugs.answers(server, "/other", "other")
        cp(bad, plug / "fresh.so")
        plug.drop("other", "another")
        plugs.answers(server, "/other", "another")
        assert server.get("/fresh").text == "one"
        assert "fresh', version" not in "".join(server.lines[before:])
        cp(plug.make("fresh", "three"), plug / "fresh.so")
        plugs.answers(server, "/fresh", "three")


def test_first_version_that_crashes_has_nothing_to_go_back_to(server, plug):
    plug.drop("fresh", "one", first='if (tc.query(r)[0] != 0) abort();')
    plugs.answers(server, "/fresh", "one")
    with load.Steady(server):
        for _ in range(3):
            assert server.get("/fresh?die").status == 502
            assert server.get("/fresh").text == "one"
