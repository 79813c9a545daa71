# SPDX-License-Identifier: MIT
"""Whatever docs/handlers.md shows is so: its files compile, what it types prints what it
says, and its reference has every entry of the headers.

A block of the guide says what it is behind its fence:

    c NAME.c          a file; so are cpp and python
    c of NAME.c       a part of that file, word by word, "..." for what is left out
    json              keys of server.json, in braces or not
    console           "$ " and what is typed, then what that prints, "..." for anything
    log               lines that the server logs by then, "..." for anything

All files are built, all keys of server.json put together, and one server has them all.
Then each section is typed into a shell, once with handlers of gcc in processes of their
own, once with handlers of clang in workers.
"""

import concurrent.futures
import json
import os
import re
import shutil
import subprocess

import pytest

import harness
import headers

GUIDE = (harness.TOP / "docs/handlers.md").read_text()
BLOCK = re.compile(r"^```(\w+)(?: ([^\n]*))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SECTIONS = {title: text for title, text in
            re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE)}
START = "Before you start"
# What a crash does to the others in its process is not for a common one.
ISOLATED = ["Isolation, crashes and deadlines"]
TYPED = [title for title, text in SECTIONS.items() if "```console" in text]


def blocks(kind, text=GUIDE):
    """The blocks of that kind: what is said behind it, and what is in it."""
    return [(said, body) for found, said, body in BLOCK.findall(text) if found == kind]


FILES = {said: body for kind in ("c", "cpp", "python") for said, body in blocks(kind)
         if not said.startswith("of ")}


def merged(into, more):
    for key, value in more.items():
        if isinstance(value, list):
            into[key] = into.get(key, []) + value
        elif isinstance(value, dict):
            merged(into.setdefault(key, {}), value)
        else:
            into[key] = value
    return into


def server_json():
    keys = {}
    for _, body in blocks("json"):
        body = body.strip()
        merged(keys, json.loads(body if body.startswith("{") else f"{{{body}}}"))
    return keys


def commands(text):
    """What is typed in a text, and what each prints."""
    for _, body in blocks("console", text):
        for typed, printed in re.findall(r"^\$ ((?:.*\\\n)*.*\n)((?:(?!\$ ).*\n)*)", body,
                                         re.MULTILINE):
            yield typed, printed


def pattern(text):
    return ".*?".join(re.escape(part) for part in text.split("..."))


class Shell:
    """Where the reader sits: a folder like the top of a checkout."""

    def __init__(self, folder, certificates, compiler):
        self.folder = folder
        self.port = 8443
        (folder / "plugins").mkdir(parents=True)
        for name in "hello", "status":
            shutil.copy(harness.PLUGINS / f"{name}.so", folder / "plugins")
        (folder / "certs").symlink_to(certificates)
        for name in "include", "www":
            (folder / name).symlink_to(harness.TOP / name)
        for name in "tincan", "tincan-host", "tincan-keeper":
            shutil.copy(harness.BUILD / name, folder)
        for name, text in FILES.items():
            (folder / name).write_text(text)
        # No meter: it is for terminals.
        (folder / ".curlrc").write_text("silent\nshow-error\n")
        flags = "-Wall -Wextra -Werror -g"
        start = "".join(typed for typed, _ in commands(SECTIONS[START]))
        self.start = start.replace("cc ", f"{compiler[0]} {flags} ").replace(
            "c++ ", f"{compiler[1]} {flags} ")

    def type(self, typed):
        """What it prints, on both of its outputs."""
        line = self.start + typed.replace(":8443", f":{self.port}")
        done = subprocess.run(
            ["sh", "-c", line], cwd=self.folder, text=True, errors="replace",
            env={**os.environ, "NO_PROXY": "*", "CURL_HOME": str(self.folder),
                 "PATH": "/usr/bin:" + os.environ["PATH"]},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=harness.DEADLINE, check=False)
        return re.sub(r" +$", "", done.stdout, flags=re.MULTILINE)


@pytest.fixture(scope="module", params=["host", "worker"])
def shell(request, tmp_path_factory, certificates, make_config):
    gcc = request.param == "host"
    sits = Shell(tmp_path_factory.mktemp("guide") / "checkout", certificates,
                 ("gcc", "g++") if gcc else ("clang", "clang++"))
    builds = [typed for typed, _ in commands(GUIDE) if typed.startswith("build")]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        assert [said for said in pool.map(sits.type, builds) if said] == []
    names = sorted(path.stem for path in (sits.folder / "plugins").iterdir())
    config = merged(make_config(
        routes=[{"path": "/metrics", "handler": "status"}],
        log={"access": "off", "format": "text"},
        plugins={"directory": "plugins"},
        handlers={name: {"isolation": request.param} for name in names}), server_json())
    prefix = ["env", "LD_PRELOAD=libstdc++.so.6"] if harness.SANITIZED else []
    sits.server = harness.Server(sits.folder, config, certificates, prefix,
                                 program=sits.folder / "tincan")
    sits.server.expected_reports = "."
    sits.isolation = request.param
    sits.port = sits.server.port
    yield sits
    sits.server.stop()


@pytest.mark.parametrize("title", TYPED)
def test_what_is_typed_prints_what_is_shown(shell, title):
    if shell.isolation == "worker" and title in ISOLATED:
        pytest.skip("a crash in a worker is everybody's")
    before = len(shell.server.lines)
    for typed, printed in commands(SECTIONS[title]):
        if title == START or typed.startswith("build"):
            continue
        found = shell.type(typed)
        assert re.fullmatch(pattern(printed), found, re.DOTALL), "\n".join(
            [typed, "printed", found, "instead of", printed, shell.server.log[-3000:]])
    for _, lines in blocks("log", SECTIONS[title]):
        for line in lines.splitlines():
            shell.server.wait_log(pattern(line), before)


def test_parts_of_files_are_parts_of_them():
    for kind in "c", "cpp":
        for said, body in blocks(kind):
            if said.startswith("of "):
                whole = FILES[said[3:]]
                for part in re.split(r"^\s*\.\.\.\n", body, flags=re.MULTILINE):
                    assert part in whole, (said, part)


def test_every_example_is_built_and_asked():
    typed = "".join(typed for typed, _ in commands(GUIDE)) + json.dumps(server_json())
    for name in FILES:
        stem = name.partition(".")[0]
        assert len(re.findall(rf"\b{stem}\b", typed)) >= 2, name


def test_blocks_are_of_known_kinds():
    known = {"c", "cpp", "python", "json", "console", "log", "text", "sh"}
    assert {kind for kind, _, _ in BLOCK.findall(GUIDE)} <= known
    assert GUIDE.count("\n```") == 2 * len(BLOCK.findall(GUIDE))


# The reference


REFERENCE = SECTIONS.get("Reference", "")


@pytest.mark.parametrize("header, struct, called", [
    ("handler.h", "tc_api", "tc."), ("handler.h", "tc_handler", "."),
    ("bus.h", "tc_bus", "bus->"), ("metrics.h", "tc_metrics", "metrics->")])
def test_reference_has_every_entry(header, struct, called):
    names = headers.members(header, struct)
    assert names
    missing = [name for name in names if f"`{called}{name}" not in REFERENCE]
    assert not missing


@pytest.mark.parametrize("header", ["handler.h", "bus.h", "metrics.h"])
def test_reference_has_every_constant(header):
    missing = {name for name in headers.constants(header)
               if not re.search(rf"\b{name}\b", REFERENCE)}
    assert not missing
