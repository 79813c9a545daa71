# SPDX-License-Identifier: MIT
"""The command line: words, options, results on stdout, talk on stderr, exit statuses."""

import json
import re
import shutil

import pytest

import harness
import plugs


@pytest.fixture
def folder(tmp_path, make_config):
    (tmp_path / "server.json").write_text(json.dumps(make_config(), indent=2))
    return tmp_path


def test_version():
    done = harness.tincan("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("tincan ") and "OpenSSL 3" in done.stdout


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_goes_to_stdout(option):
    done = harness.tincan(option)
    assert (done.returncode, done.stderr) == (0, "")
    for word in "--config", "check", "routes", "plugins", "--version":
        assert word in done.stdout


@pytest.mark.parametrize("arguments", [
    [], ["--nonsense"], ["--config"], ["check", "routes"], ["fly"],
    ["--log-level", "loud", "check"]])
def test_misuse_is_told_on_stderr(arguments):
    done = harness.tincan(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


def test_manual_knows_every_word_of_the_help():
    words = set(re.findall(r"^(?:usage:)? +tincan (\w+)|(--[a-z-]+)",
                           harness.tincan("--help").stdout, re.M))
    manual = (harness.TOP / "docs/tincan.1").read_text()
    for command, option in words:
        if command:
            assert re.search(rf"^\.It Cm {command}\b", manual, re.M), command
        else:
            assert re.search(rf"^\.It .*Fl Fl {option[2:]}\b", manual, re.M), option
    assert len(words) > 12


def test_misspelt_command_gets_a_hint():
    assert "did you mean 'routes'" in harness.tincan("rotues").stderr


@pytest.mark.parametrize("arguments", [["help"], ["help", "try"], ["try", "--help"]])
def test_help_is_a_word_too(arguments):
    done = harness.tincan(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == harness.tincan("--help").stdout


@pytest.mark.parametrize("arguments", [["x.json"], ["check", "x.json"]])
def test_a_file_without_its_option_gets_a_hint(arguments):
    done = harness.tincan(*arguments)
    assert done.returncode == 2
    assert done.stderr.endswith("  hint: '--config x.json' names the configuration\n")


def test_a_file_that_is_missing_gets_a_hint(tmp_path):
    done = harness.tincan("check", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("server.json: cannot read it: No such file or "
                                  "directory\n  hint: '--config FILE' names another\n")


@pytest.mark.parametrize("arguments", [
    ["check"], ["check", "--config", "server.json"], ["--config", "server.json", "check"],
    ["--check", "--config", "server.json"], ["-t", "-c", "server.json"]])
def test_check_of_a_good_file(folder, arguments):
    done = harness.tincan(*arguments, folder=folder)
    assert (done.returncode, done.stdout, done.stderr) == (
        0, "server.json: no problems\n", "")


def test_check_reports_every_problem_with_its_line(folder):
    (folder / "server.json").write_text("""{
        "plugins": { "directory": "%s" },
        "timeouts": { "idle_ms": "soon" },
        "lgo": {},
        "routes": [
            { "path": "/a/{x}", "handler": "hello" },
            { "path": "/a/{y}", "handler": "hello" },
            { "path": "/b", "handler": "nobody" },
            { "path": "/c", "handler": "hello", "settings": { "greting": "x" } }
        ]
    }""" % harness.PLUGINS)
    done = harness.tincan("check", "--config", "server.json", folder=folder)
    assert done.returncode == 2
    for line, key in [(3, "timeouts.idle_ms"), (4, "lgo"), (7, "routes[1].path"),
                      (8, "routes[2].handler"), (9, "routes[3].settings.greting")]:
        assert f"server.json:{line}: {key}: " in done.stderr


def test_a_handler_without_a_route_tells_where_it_could_not_be(folder, make_config):
    (folder / "plugins").mkdir()
    shutil.copy2(harness.PLUGINS / "files.so", folder / "plugins")
    (folder / "server.json").write_text(json.dumps(make_config(
        plugins={"directory": "plugins"}, routes=[])))
    done = harness.tincan("check", folder=folder)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "plugins/files.so: no route has it, and at its own, '/files/*', it cannot be: "
        "setting 'root': missing")


@pytest.mark.parametrize("changes, said", [
    ({"plugins": {"directory": "gone"}}, "gone: cannot be read"),
    ({"state": "gone/run"}, "gone/run: cannot be made")])
def test_a_folder_that_is_missing_is_one_problem(folder, make_config, changes, said):
    (folder / "server.json").write_text(json.dumps(make_config(**changes)))
    done = harness.tincan("check", folder=folder)
    assert done.returncode == 2
    assert done.stderr.startswith(said) and "1 problem\n" in done.stderr


def test_a_log_that_cannot_be_opened_is_warned_of(folder, make_config):
    (folder / "server.json").write_text(json.dumps(make_config(
        log={"access": "gone/access.log", "error": "-"})))
    done = harness.tincan("check", folder=folder)
    assert done.returncode == 0
    assert done.stderr == ("server.json: log.access: warning: cannot open "
                           "'gone/access.log': No such file or directory\n")


def test_check_starts_nothing_and_leaves_nothing(folder):
    harness.tincan("check", folder=folder)
    assert not (folder / "access.log").exists()


def test_routes_come_in_the_order_of_matching(folder, make_config):
    (folder / "server.json").write_text(json.dumps(make_config(routes=[
        {"path": "/*", "handler": "echo"}, {"path": "/{x}", "handler": "hello"},
        {"path": "/a", "handler": "hello", "methods": ["GET", "PURGE"]},
        {"path": "/old", "redirect": "/a", "status": 308}])))
    done = harness.tincan("routes", folder=folder)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (0, "")
    assert [line[0] for line in lines[1:]] == ["/a", "/old", "/{x}", "/*"]
    assert [line[1] for line in lines[1:]] == ["GET,PURGE", "any", "any", "any"]
    assert "308" in lines[2] and lines[4][-1] == "echo"


@pytest.fixture
def line(folder):
    """A plugin directory in the folder, with hello and one that takes streams."""
    directory = folder / "plugins"
    directory.mkdir()
    (directory / "hello.so").write_bytes((harness.PLUGINS / "hello.so").read_bytes())
    plugs.build(directory / "line.so", "line", "", **plugs.CONNECTS)
    return {"directory": "plugins"}


def test_streams_are_listed_behind_the_routes(folder, make_config, line):
    (folder / "server.json").write_text(json.dumps(make_config(
        plugins=line, listeners=[{"address": "127.0.0.1:0"}, {
            "address": "localhost:7443", "stream": "line", "settings": {}}],
        alpn={"tincan-line": "line", "x": {"handler": "line"}},
        routes=[{"path": "/a", "handler": "hello"}])))
    done = harness.tincan("routes", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [row.split() for row in done.stdout.splitlines()]
    assert ["/line", "line", "(its", "own", "route)"] in [
        [row[0], *row[2:]] for row in rows]
    assert rows[-3:] == [
        ["stream", "localhost:7443", "line"], ["alpn", "tincan-line", "line"],
        ["alpn", "x", "line"]]


def test_check_says_whose_stream_it_cannot_be(folder, line):
    (folder / "server.json").write_text("""{
        "listeners": [
            { "address": ":0", "stream": "line", "settings": { "speed": 9600 } },
            { "address": ":0", "stream": "nobody" }
        ],
        "alpn": {
            "a": "hello",
            "b": { "handler": "lime" }
        }
    }""")
    done = harness.tincan("check", folder=folder)
    assert done.returncode == 2
    for problem in [
            "3: listeners[0].settings.speed: unknown setting 'speed'",
            "4: listeners[1].stream: no plugin named 'nobody' in 'plugins'",
            "7: alpn.a: handler 'hello' takes no streams (it has no on_connect)",
            "8: alpn.b.handler: no plugin named 'lime' in 'plugins'\n"
            "  hint: did you mean 'line'"]:
        assert f"server.json:{problem}" in done.stderr


def test_check_warns_of_keys_that_change_nothing(folder):
    (folder / "plugins").mkdir()
    for name in "plugins/hello", "tests/plugins/sleeper", "tests/plugins/blocker":
        shutil.copy(harness.BUILD / f"{name}.so", folder / "plugins")
    (folder / "server.json").write_text("""{
        "handlers": {
            "hello": { "processes": 3,
                "max_queue": 4, "isolation": "worker", "threads": 2 },
            "blocker": { "processes": 3, "max_queue": 4,
                "threads": 2 },
            "sleeper": { "max_queue": 4, "threads": 2, "isolation": "worker",
                "processes": 3 }
        }
    }""")
    done = harness.tincan("check", folder=folder)
    assert done.returncode == 0, done.stderr
    told = re.findall(r"server\.json:(\d+): (\S+): (.*)", done.stderr)
    assert [x for x in told if x[1].startswith("handlers.")] == [
        ("3", "handlers.hello.processes", "warning: changes nothing: "
         "handler 'hello' does not block (TC_BLOCKING)"),
        ("4", "handlers.hello.max_queue", "warning: changes nothing: "
         "handler 'hello' does not block (TC_BLOCKING)"),
        ("6", "handlers.blocker.threads", "warning: changes nothing: handler "
         "'blocker' has processes of its own, no threads in the workers"),
        ("8", "handlers.sleeper.processes", "warning: changes nothing: handler "
         "'sleeper' is in the workers, where it has 'threads'")], done.stderr


def test_plugins_say_what_they_are(folder, make_config):
    """Cut to what a line of a terminal has room for, and only if it is UTF-8."""
    (folder / "plugins").mkdir()
    plugs.build(folder / "plugins/long.so", "long", "", fields=(
        f'.version = "{"7" * 50}", .about = "{"x" * 159}ä"'))
    plugs.build(folder / "plugins/bad.so", "bad", "", fields=(
        '.version = "1\\n2", .about = "\\xff"'))
    (folder / "server.json").write_text(json.dumps(make_config(
        plugins={"directory": "plugins"}, routes=[])))
    done = harness.tincan("plugins", "--json", folder=folder)
    found = {x["name"]: (x.get("version"), x.get("about"))
             for x in json.loads(done.stdout)["plugins"]}
    assert found == {"long": ("7" * 40, "x" * 159), "bad": ("1\n2", None)}
    assert r"1\x0a2" in harness.tincan("plugins", folder=folder).stdout


def test_plugins_are_listed(folder):
    done = harness.tincan("plugins", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    names = [line.split()[0] for line in done.stdout.splitlines()[1:]]
    assert {"echo", "files", "hello", "status"} <= set(names)


def test_plugin_that_is_none_is_listed_with_the_reason(folder, make_config):
    (folder / "plugins").mkdir()
    (folder / "plugins/broken.so").write_text("no machine code")
    (folder / "server.json").write_text(json.dumps(make_config(
        plugins={"directory": "plugins"}, routes=[])))
    done = harness.tincan("plugins", folder=folder)
    assert "broken" in done.stdout and "not an ELF file" in done.stdout


def test_bad_plugin_does_not_keep_the_others_from_serving(start_server, tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    for path in harness.PLUGINS.glob("*.so"):
        (plugins / path.name).write_bytes(path.read_bytes())
    (plugins / "broken.so").write_text("no machine code")
    server = start_server(plugins={"directory": str(plugins), "serve_unrouted": False})
    assert "broken.so" in server.wait_log("not an ELF file")
    assert server.get("/hello/x").status == 200
