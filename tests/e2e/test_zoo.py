# SPDX-License-Identifier: MIT
"""The zoo of bad plugins: each is dropped into a server that runs, and shows its art.

For each there is what its clients see and what the log says; and all the while hello, in
the same directory, is asked on a connection that must last.
"""

import dataclasses
import os
import random
import struct

import pytest

import harness
import load
import plugs

ZOO = harness.BUILD / "tests/plugins/zoo"
OTHERS = harness.BUILD / "tests/plugins"
MEMORY = 0 if harness.SANITIZED else 64 << 20
TIMEOUT_MS = 5000 if harness.SANITIZED else 500  # its report may take more than a second
RUDE = ["/no-reply", "/no-end", "/short", "/twice", "/fail", "/fail-after", "/all-memory"]


@dataclasses.dataclass
class Animal:
    """What is asked of it, each with the status that comes back, and the log's words."""
    name: str
    asked: list
    said: str
    folder: object = ZOO
    after: str = ""  # what it says when it is gone
    reports: str = None  # what a sanitizer may see in it


def served(name, *asked, said="is live", **more):
    return Animal(name, [("", 200), *asked], said, **more)


def refused(name, said, folder=ZOO):
    return Animal(name, [("", 404)], rf"/{name}\.so is not served: .*{said}",
                  folder)


ANIMALS = [
    # Never live.
    refused("constructor", "crashed in loading: signal 6"),
    refused("quitter", r"crashed in loading: it called exit\(0\)"),
    refused("on_open", r"crashed in on_open: signal 11 .*, in open_it\+0x"),
    refused("closer", "crashed in loading: signal 9"),
    refused("babbler", "broke the protocol"),
    refused("wrong_check", "check 'GET /wrong_check 200'"),
    refused("wrong_abi", "made for handler interface 2", OTHERS),
    refused("needs_level_2", "level", OTHERS),
    refused("no_note", "no TINCAN_HANDLER", OTHERS),
    refused("no_symbol", "tincan_handler_1", OTHERS),
    refused("no_table", "", OTHERS),
    refused("no_request", "on_request", OTHERS),
    refused("bad_name", "name", OTHERS),
    refused("name_mismatch", "name", OTHERS),
    refused("need_mismatch", "", OTHERS),
    refused("huge_size", "size", OTHERS),
    refused("small_size", "size", OTHERS),
    refused("tail_set", "", OTHERS),
    refused("flags_set", "flags", OTHERS),
    refused("undefined_symbol", "tincan_has_no_such_function", OTHERS),
    # Live, and a nuisance to themselves alone.
    served("on_close", after=r"'on_close'.*crashed in on_close: signal 6 .*, close_it\+"),
    served("after_reply", ("?x", 502), ("", 200), said="'after_reply'.*crashed in"),
    served("timer", ("?x", 200), said=r"'timer'.*crashed in .*: signal 6 .*crash_later"),
    served("leaker", ("", 200), ("", 200)),
    served("impostor", ("", 200)),
    served("signals", ("?x", 502), ("", 200), said="'signals'.*crashed in on_request"),
    served("forker", ("", 200), ("", 200)),
    served("scribbler", ("?x", 502), ("", 200), said="'scribbler'.*crashed in"),
    served("mover", ("", 200)),
    served("talker", ("", 200), said="line [0-9]+ of too many"),
    # Two that are there from the start, for their routes or limits.
    *[Animal("poison", [(f"/{way}", status), ("/fine", 200)], f"'poison'.*{said}",
             reports="double-free|heap-buffer-overflow") for way, status, said in [
        ("abort", 502, "signal 6"), ("exit", 502, r"exit\(0\)"),
        ("_exit", 502, "status 3"), ("segv", 502, "signal 11"),
        ("stack", 502, "signal 11"), ("kill", 502, "signal 9"),
        ("heap", 502, "signal 6|status 1"), ("free", 502, "signal 6|status 1"),
        ("loop", 504, "does not come back"), ("sleep", 504, "does not come back"),
        ("memory", 502, "signal"), ("close", 502, "signal 9"), ("shut", 502, "signal 9"),
        ("garbage", 502, "signal 9")]],
    Animal("rude", [("/no-reply", 500), ("/fail", 500), ("/twice", 200),
                    ("/fail-after", 200), ("/all-memory", 500)],
           "on_request returned TC_OK without a reply", OTHERS),
]


@pytest.fixture(scope="module")
def plug(tmp_path_factory):
    plug = plugs.Plugs(tmp_path_factory.mktemp("zoo"))
    plug.add(ZOO / "poison.so")
    plug.add(OTHERS / "rude.so")
    return plug


@pytest.fixture(scope="module")
def server(plug, tmp_path_factory, certificates, make_config):
    config = make_config(
        plugins={"directory": str(plug.directory)},
        handlers={"poison": {"timeout_ms": TIMEOUT_MS, "max_memory_bytes": MEMORY}},
        routes=[{"path": path, "handler": "rude"} for path in RUDE])
    running = harness.Server(tmp_path_factory.mktemp("server"), config, certificates)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def hello(server):
    """Whatever happens, it answers, on one connection."""
    with load.Steady(server, pause=0.001):
        yield


def prefix(animal):
    return "" if animal.name == "rude" else f"/{animal.name}"


@pytest.mark.parametrize("animal", ANIMALS, ids=lambda animal: "{}{}".format(
    animal.name, animal.asked[0][0].replace("/", "-")))
def test_animal(server, plug, animal):
    if animal.asked[0][0] == "/memory" and harness.SANITIZED:
        pytest.skip("a sanitizer needs more address space than any limit leaves")
    if animal.reports:
        server.expected_reports = animal.reports
    server.await_quiet()
    before = len(server.lines)
    file = animal.folder / f"{animal.name}.so"
    if animal.name not in ("poison", "rude"):
        plug.add(file)
        server.wait_log(rf"(handler '{animal.name}', version \w+, is live"
                        rf"|/{animal.name}\.so is not served)", before)
    if animal.asked[0] == ("", 200):
        harness.wait_for(lambda: server.get(f"/{animal.name}").status == 200, "its reply")
    with server.connect() as client:
        for target, status in animal.asked:
            reply = client.get(prefix(animal) + target)
            assert reply.status == status, (target, reply, server.log[-2000:])
    server.wait_log(animal.said, before)
    if animal.name not in ("poison", "rude"):
        (plug / file.name).unlink()
    if animal.after:
        server.wait_log(animal.after, before)


def test_one_that_hangs_in_its_probe_is_refused(server, plug):
    """It takes its ten seconds, in which no plugin comes or goes; but only once."""
    plug.add(ZOO / "hang.so")
    server.wait_log(r"/hang\.so is not served: did not come back from on_open within")
    drop_all(server, plug, {})
    assert server.log.count("did not come back from on_open") == 1
    (plug / "hang.so").unlink()


# Files that are no plugins


def sections(image):
    """Where each section of the ELF file begins and ends."""
    start, = struct.unpack_from("<Q", image, 40)
    size, count = struct.unpack_from("<HH", image, 58)
    for i in range(count):
        offset, length = struct.unpack_from("<QQ", image, start + i * size + 24)
        yield from (offset, offset + length)


def with_bytes(image, offset, data):
    return image[:offset] + data + image[offset + len(data):]


def drop_all(server, plug, images):
    """Drops them all at once; waits until something that came later is served."""
    for name, image in images.items():
        (plug.workshop / name).write_bytes(image)
        (plug.workshop / name).rename(plug / name)
    plug.drop("later", "here")
    plugs.answers(server, "/later", "here")
    for name in [*images, "later.so"]:
        (plug / name).unlink()
    harness.wait_for(lambda: server.get("/later").status == 404, "their end")


@pytest.fixture
def image(plug):
    return plug.make("victim", "here").read_bytes()


def test_truncated_at_every_section(server, plug, image):
    cuts = sorted({cut for cut in sections(image) if cut < len(image)})
    assert len(cuts) > 20
    drop_all(server, plug, {f"cut-{cut}.so": image[:cut] for cut in cuts})
    for cut in cuts:
        server.wait_log(rf"/cut-{cut}\.so is not served")
    assert server.get("/victim").status == 404


def test_other_kinds_of_files(server, plug, image):
    kinds = {"text": b"#!/bin/sh\n", "empty": b"", "zeros": bytes(len(image)),
             "32-bit": with_bytes(image, 4, b"\1"),
             "big-endian": with_bytes(image, 5, b"\2"),
             "program": with_bytes(image, 16, b"\2"),
             "object": with_bytes(image, 16, b"\1"),
             "arm": with_bytes(image, 18, struct.pack("<H", 183)),
             "elf-only": image[:64], "magic-only": image[:4]}
    drop_all(server, plug, {f"kind-{kind}.so": data for kind, data in kinds.items()})
    for kind in kinds:
        server.wait_log(rf"/kind-{kind}\.so is not served")
    assert server.get("/victim").status == 404


def test_damaged_files_harm_nobody(server, plug, image):
    """Most are refused; one whose damage does not show may be served."""
    dice = random.Random(7)
    images = {}
    for i in range(40):
        data = bytearray(image)
        for _ in range(4):
            data[dice.randrange(0x40, 0x400) if i % 2 else dice.randrange(len(data))] ^= \
                1 << dice.randrange(8)
        images[f"damaged-{i}.so"] = bytes(data)
    drop_all(server, plug, images)
    assert server.log.count("damaged-") >= 20


def test_what_is_no_file_at_all(server, plug):
    (plug / "folder.so").mkdir()
    (plug / "link.so").symlink_to(ZOO / "mover.so")
    (plug / "nowhere.so").symlink_to("/nowhere")
    os.mkfifo(plug / "pipe.so")
    drop_all(server, plug, {})
    for name in ("folder", "link", "nowhere", "pipe"):
        server.wait_log(rf"/{name}\.so is not served")
        path = plug / f"{name}.so"
        path.rmdir() if name == "folder" else path.unlink()
