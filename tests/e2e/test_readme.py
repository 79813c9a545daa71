# SPDX-License-Identifier: MIT
"""What README.md tells people to type works, word by word."""

import json
import re
import shlex
import shutil
import subprocess

import pytest

import harness

README = (harness.TOP / "README.md").read_text()


def blocks(language):
    """The fenced blocks of that language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def lines_with(word, text):
    return [line.strip() for line in text.splitlines() if line.strip().startswith(word)]


@pytest.fixture
def checkout(tmp_path, certificates):
    """A folder like the top of a checkout after scripts/serve, to type in."""
    top = tmp_path / "checkout"
    (top / "plugins").mkdir(parents=True)
    for handler in harness.PLUGINS.glob("*.so"):
        shutil.copy(handler, top / "plugins")
    for name in ("www", "server.json"):
        (top / name).symlink_to(harness.TOP / name)
    (top / "certs").symlink_to(certificates)
    return top


def test_handler_is_built_by_the_one_line_and_goes_live(start_server, tmp_path):
    source, = blocks("c")
    line, = lines_with("cc ", "".join(blocks("sh")))
    (tmp_path / "include").symlink_to(harness.TOP / "include")
    (tmp_path / "plugins").mkdir()
    (tmp_path / "hi.c").write_text(source)
    server = start_server(routes=[], plugins={"directory": str(tmp_path / "plugins")})
    assert server.get("/hi").status == 404

    done = subprocess.run(line, shell=True, cwd=tmp_path, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    harness.wait_for(lambda: server.get("/hi").status == 200, "the handler to be live")

    assert done.stdout == b""
    assert server.get("/hi").text == "Hi from /hi\n"
    assert len([x for x in source.splitlines() if x.strip()]) < 10


def test_example_of_server_json_has_no_mistake(checkout):
    example, = blocks("json")
    (checkout / "example.json").write_text(example)

    done = harness.tincan("check", "--config", "example.json", folder=checkout)

    assert (done.returncode, done.stderr) == (0, "")


def test_shipped_server_json_has_no_mistake(checkout):
    done = harness.tincan("check", "--config", "server.json", folder=checkout)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("number, typed, answer", [
    (0, "GET /hello/you HTTP/1.1\nHost: localhost\n\n", b"Hello, you!\n"),
    (1, "ann\n", b"hello ann"),
    (2, "Ahoy!\n", b"Ahoy!\n")])
def test_lines_to_type_into_are_answered(start_server, number, typed, answer):
    line = lines_with("openssl s_client ", blocks("sh")[1])[number]
    shipped = json.loads((harness.TOP / "server.json").read_text())
    for listener in shipped["listeners"]:
        listener["address"] = "127.0.0.1:0"
    server = start_server(
        listeners=shipped["listeners"], alpn=shipped["alpn"],
        routes=[x for x in shipped["routes"] if x.get("handler") != "files"])
    stream = re.search(r"\d+$", server.wait_log("listening on tls:").strip('"}\n'))
    line = line.replace(":8443", f":{server.port}").replace(":7443", f":{stream[0]}")
    line = line.replace("certs/", f"{server.certificates}/")

    with subprocess.Popen(shlex.split(line), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as client:
        client.stdin.write(typed.encode())
        client.stdin.flush()
        said = b""
        while answer not in said:
            data = client.stdout.read1()
            assert data, said
            said += data
        client.kill()


@pytest.mark.parametrize("word", ["curl ", "openssl s_client "])
def test_serve_prints_the_lines_of_the_readme(word):
    told = lines_with(word, blocks("sh")[1])
    printed = lines_with(word, (harness.TOP / "scripts/serve").read_text())

    assert told and told == printed
