# SPDX-License-Identifier: MIT
"""tincan new: what it writes builds, passes its own test, and goes live."""

import os
import shutil
import subprocess

import pytest

import harness

KINDS = ["http", "websocket", "stream", "filter"]
INCLUDE = f"TINCAN_INCLUDE={harness.TOP}/include"
# No tincan that may be installed here.
ENVIRONMENT = {**os.environ, "PKG_CONFIG_LIBDIR": "/nonexistent", "PKG_CONFIG_PATH": "",
               "ASAN_OPTIONS": "abort_on_error=1"}


def make(folder, *arguments, environment=ENVIRONMENT, **options):
    return subprocess.run(["make", *arguments], cwd=folder, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=4 * harness.DEADLINE, check=False, **options)


def made(folder, *arguments, **options):
    done = make(folder, *arguments, **options)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def fresh(tmp_path):
    """Writes a new handler: its folder."""
    def write(name, *arguments, program=harness.TINCAN):
        done = subprocess.run([program, "new", name, *arguments], cwd=tmp_path, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=harness.DEADLINE, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return tmp_path / name

    return write


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("kind", KINDS)
def test_builds_without_a_warning_and_passes_its_test(fresh, kind, compiler):
    folder = fresh(f"my-{kind}_1", "--kind", kind)
    flags = "CFLAGS=-O2 -Wall -Wextra -Wshadow -Wmissing-prototypes -Wpedantic -Werror"
    built = made(folder, f"CC={compiler}", INCLUDE, flags)
    assert "warning" not in built
    assert made(folder, "test", INCLUDE).splitlines()[-1].startswith("ok")
    made(folder, "clean")
    assert not list(folder.glob("*.so"))


@pytest.mark.parametrize("kind", KINDS)
def test_its_test_fails_when_it_answers_otherwise(fresh, kind):
    folder = fresh("changed", "--kind", kind)
    source = folder / "changed.c"
    text = source.read_text()
    for before, after in [("%s, %s!", "%s: %s!"), ('"%u: "', '"%u; "'),
                          ("403", "404")]:
        text = text.replace(before, after)
    source.write_text(text)
    done = make(folder, "test", INCLUDE)
    assert done.returncode == 2
    assert "Error 1" in done.stdout


def test_kind_is_http_unless_said(fresh):
    assert "on_request" in (fresh("plain") / "plain.c").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_no_word_of_a_template_is_left(fresh, kind):
    folder = fresh("whole", "--kind", kind)
    for file in folder.iterdir():
        text = file.read_text()
        assert "@" not in text.replace("$@", "").replace("@chmod", "").replace(
            "@test", "").replace("@TINCAN", "").replace('"$@"', "")
        assert "SPDX" not in text


def test_says_what_it_wrote_and_what_comes_next(tmp_path):
    done = harness.tincan("new", "guest", folder=tmp_path)
    assert done.stdout.startswith(
        "wrote guest/guest.c\nwrote guest/test.sh\nwrote guest/Makefile\n")
    for words in "cd guest", "make test", "make install", '"handler": "guest"':
        assert words in done.stdout


@pytest.mark.parametrize("there", ["folder", "file"])
def test_never_overwrites_anything(tmp_path, there):
    if there == "folder":
        (tmp_path / "mine").mkdir()
    else:
        (tmp_path / "mine").write_text("precious")
    done = harness.tincan("new", "mine", folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "tincan: cannot make the folder 'mine': File exists\n"
    assert there == "folder" or (tmp_path / "mine").read_text() == "precious"
    assert there == "file" or not list((tmp_path / "mine").iterdir())


@pytest.mark.parametrize("name", [
    "", "Upper", "a b", "../up", "a/b", "a.c", "ä", "x" * 48])
def test_name_that_no_handler_may_have_is_refused(tmp_path, name):
    done = harness.tincan("new", name, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (f"tincan: '{name}' is no handler's name\n"
                           "  hint: up to 47 of a-z, 0-9, '_' and '-'\n")
    assert not list(tmp_path.iterdir())


def test_longest_name_is_taken(fresh):
    assert (fresh("x" * 47) / ("x" * 47 + ".c")).exists()


@pytest.mark.parametrize("arguments, words", [
    ([], "'new' needs a name"), (["a", "b"], "too many: 'b'"),
    (["a", "--kind", "htp"], "unknown kind 'htp'\n  hint: did you mean 'http'"),
    (["a", "--kind", "xyz"], "unknown kind 'xyz'"),
    (["a", "--route", "/a"], "'--route' is not for 'new'")])
def test_misuse_is_told_in_the_users_words(tmp_path, arguments, words):
    done = harness.tincan("new", *arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert not list(tmp_path.iterdir())


def test_builds_with_nothing_said_beside_a_checkouts_program(fresh, tmp_path):
    checkout = tmp_path / "checkout"
    (checkout / "plugins").mkdir(parents=True)
    (checkout / "include").symlink_to(harness.TOP / "include")
    for program in "tincan", "tincan-host":
        shutil.copy(harness.BUILD / program, checkout)
    folder = fresh("near", program=checkout / "tincan")
    made(folder)
    made(folder, "test")
    made(folder, "install")
    assert (checkout / "plugins/near.so").exists()


def test_asks_pkg_config_for_an_installed_tincan(fresh, tmp_path):
    (tmp_path / "tincan.pc").write_text(
        f"handlersdir={tmp_path}/handlers\nName: tincan\nDescription: x\nVersion: 1\n"
        f"Cflags: -I{harness.TOP}/include\n")
    environment = {**ENVIRONMENT, "PKG_CONFIG_LIBDIR": str(tmp_path)}
    folder = fresh("installed")
    made(folder, "install", environment=environment)
    assert [x.name for x in (tmp_path / "handlers").iterdir()] == ["installed.so"]


def test_install_without_a_place_says_how_to_name_one(fresh):
    done = make(fresh("lost"), "install", INCLUDE, "HANDLERS=")
    assert done.returncode == 2
    assert "say where: make install HANDLERS=" in done.stdout


def test_installed_handler_goes_live(fresh, start_server, tmp_path):
    plugins = tmp_path / "live"
    plugins.mkdir()
    server = start_server(routes=[], plugins={"directory": str(plugins)})
    made(fresh("fresh"), "install", INCLUDE, f"HANDLERS={plugins}")
    harness.wait_for(lambda: server.get("/fresh/Ada").status == 200, "it to be live")
    assert server.get("/fresh/Ada").text == "Hello, Ada!\n"


def test_is_not_refused_for_a_umask_that_lets_the_group_write(fresh):
    previous = os.umask(0o002)
    try:
        folder = fresh("group")
        made(folder, INCLUDE)
        made(folder, "test", INCLUDE)
    finally:
        os.umask(previous)
