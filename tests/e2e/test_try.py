# SPDX-License-Identifier: MIT
"""tincan try: one request through a handler's file, without a server."""

import os
import pathlib
import re
import shutil
import signal
import subprocess

import pytest

import harness
import plugs

TESTS = harness.BUILD / "tests/plugins"
# What a sanitizer finds in a host is to end it as the system would.
ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": "abort_on_error=1"}


@pytest.fixture
def attempt(tmp_path):
    """Runs tincan try in a folder of its own, TMPDIR beside it: (status, stdout, stderr),
    the first two of them of the reply; leaves nothing behind."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    def run(file, *arguments, expected=0, text=b""):
        copy = tmp_path / pathlib.Path(file).name
        if pathlib.Path(file).exists() and not copy.exists():
            shutil.copy(file, copy)
            copy.chmod(0o644)
        done = subprocess.run(
            [harness.TINCAN, "try", copy.name, *arguments], cwd=tmp_path, input=text,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=harness.DEADLINE,
            env={**ENVIRONMENT, "TMPDIR": str(temporary)})
        assert done.returncode == expected, done.stderr
        assert list(temporary.iterdir()) == []
        return done.stdout, done.stderr.decode(errors="replace")

    run.folder = tmp_path
    return run


def split(output):
    """Status line, fields and content of what was printed."""
    head, _, body = output.partition(b"\n\n")
    line, *fields = head.decode().splitlines()
    return line, dict(field.split(": ", 1) for field in fields), body


def test_prints_the_reply_as_lines_and_the_content_as_it_is(attempt):
    output, said = attempt(harness.PLUGINS / "hello.so", "GET", "/hello/Ada")
    assert split(output) == ("HTTP/1.1 200 OK", {
        "vary": "Accept", "content-type": "text/plain; charset=utf-8",
        "content-length": "12"}, b"Hello, Ada!\n")
    assert said == ""


def test_who_is_alone_may_use_the_bus_all_the_same(attempt):
    """It subscribes, says and unsubscribes, by the rules there are for all."""
    output, said = attempt(TESTS / "gossip.so", "GET", "/gossip/rules")
    assert split(output)[2] == b"1 1 1 -4 -4 -4 -5 0 0" and said == ""
    output, said = attempt(TESTS / "gossip.so", "GET", "/gossip/say?hello")
    assert split(output)[0] == "HTTP/1.1 200 OK" and said == ""


def test_status_of_an_error_is_a_reply_like_any_other(attempt):
    output, _ = attempt(harness.PLUGINS / "hello.so", "PUT", "/hello/Ada")
    assert split(output)[0] == "HTTP/1.1 405 Method Not Allowed"


def test_head_has_no_content(attempt):
    line, fields, body = split(
        attempt(harness.PLUGINS / "hello.so", "HEAD", "/hello/Ada")[0])
    assert (line, fields["content-length"], body) == ("HTTP/1.1 200 OK", "12", b"")


def test_settings_reach_the_handler(attempt):
    (attempt.folder / "conf").mkdir()
    (attempt.folder / "conf/hello.json").write_text('{ "greeting": "Moin" }')
    for settings in '{"greeting":"Moin"}', "@conf/hello.json":
        output, _ = attempt(harness.PLUGINS / "hello.so", "GET", "/hello/Ada",
                            "--settings", settings)
        assert split(output)[2] == b"Moin, Ada!\n"


def test_file_names_are_relative_to_the_file_of_the_settings(attempt):
    (attempt.folder / "site/www").mkdir(parents=True)
    (attempt.folder / "site/www/a.txt").write_text("of a\n")
    (attempt.folder / "site/files.json").write_text('{"root": "www"}')
    output, _ = attempt(harness.PLUGINS / "files.so", "GET", "/x/a.txt", "--route",
                        "/x/*", "--settings", "@site/files.json")
    assert split(output)[2] == b"of a\n"


@pytest.mark.parametrize("settings, where, hint", [
    ('{\n"greetin": "Hi"}', "--settings:2: greetin: unknown setting",
     "did you mean 'greeting'"),
    ('{"greeting": 7}', "--settings:1: greeting: expected a string", ""),
    ("[]", "--settings:1: expected an object", ""),
    ("{", "--settings:1:", ""),
    ("@missing.json", "missing.json: cannot read it", "")])
def test_bad_settings_are_told_with_their_place(attempt, settings, where, hint):
    output, said = attempt(harness.PLUGINS / "hello.so", "GET", "/hello/Ada",
                           "--settings", settings, expected=2)
    assert output == b""
    assert where in said and hint in said


def test_header_fields_and_the_query_reach_the_handler(attempt):
    output, _ = attempt(harness.PLUGINS / "echo.so", "GET", "/echo?a=1&b", "-H",
                        "X-One:  1 ", "--header", "x-two: 2", "-H", "host: example.org")
    seen = split(output)[2].decode()
    for words in ('"query":"a=1&b"', '["x-one", "1"]', '["x-two", "2"]',
                  '["host", "example.org"]'):
        assert words in seen
    assert '"localhost"]' not in seen


@pytest.mark.parametrize("size", [0, 1, 65536, 1000000])
def test_content_of_any_bytes_from_a_file(attempt, size):
    content = bytes(i * 7 % 256 for i in range(251)) * (size // 251 + 1)
    (attempt.folder / "content").write_bytes(content[:size])
    source = plugs.build(attempt.folder / "back.so", "back", "", first="""
	size_t size;
	const void *body = tc.body(r, &size);

	return tc.reply(r, 200, "application/octet-stream", body, size);""")
    _, fields, body = split(attempt(source, "POST", "/back", "-d", "@content")[0])
    assert body == content[:size]
    assert fields["content-length"] == str(size)


def test_content_from_the_command_line_and_standard_input(attempt):
    echo = harness.PLUGINS / "echo.so"
    assert b'"data":"one two"' in attempt(echo, "POST", "/echo", "-d", "one two")[0]
    output, _ = attempt(echo, "POST", "/echo", "-d", "@-", text=b"typed")
    assert b'"data":"typed"' in output


def test_handler_that_blocks_is_waited_for(attempt):
    file = plugs.build(attempt.folder / "nap.so", "nap", "slept", first="usleep(50000);",
                       fields=".flags = TC_BLOCKING")
    assert split(attempt(file, "GET", "/nap")[0])[2] == b"slept"


def test_content_reaches_a_handler_in_pieces(attempt):
    (attempt.folder / "content").write_bytes(b"x" * 1000000)
    file = plugs.build(attempt.folder / "count.so", "count", "", code="""
static long long count;

static int piece(tc_req *r, const void *data, size_t size, int last)
{
	(void)data;
	count += (long long)size;
	return last ? tc.text(r, 200, tc_printf(r, "%lld", count)) : TC_OK;
}
""", first="return TC_LATER;", fields=".flags = TC_BODY_STREAM, .on_body = piece")
    for data, size in ("@content", b"1000000"), ("", b"0"):
        assert split(attempt(file, "PUT", "/count", "-d", data)[0])[2] == size
    assert split(attempt(file, "PUT", "/count")[0])[2] == b"0"


def test_reply_of_many_pieces_and_of_a_file(attempt):
    output, _ = attempt(TESTS / "bulk.so", "GET", "/b/3000000", "--route", "/b/{bytes}")
    assert split(output)[2] == b"x" * 3000000
    (attempt.folder / "big").write_bytes(os.urandom(2 << 20))
    output, _ = attempt(harness.PLUGINS / "files.so", "GET", "/big", "--route", "/*",
                        "--settings", '{"root": "."}')
    assert split(output)[2] == (attempt.folder / "big").read_bytes()


def test_pieces_are_printed_as_they_come(attempt):
    file = attempt.folder / "later.so"
    shutil.copy(TESTS / "later.so", file)
    with subprocess.Popen([harness.TINCAN, "try", file, "GET", "/later/stream?-1"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          env=ENVIRONMENT) as process:
        assert process.stdout.readline() == b"HTTP/1.1 200 OK\n"
        while process.stdout.readline() != b"\n":
            pass
        for _ in range(1000):
            assert process.stdout.read(8)
        process.send_signal(signal.SIGINT)
        process.stdout.close()
        assert process.wait(harness.DEADLINE) in (-signal.SIGINT, 1)


def test_reply_that_comes_later(attempt):
    output, _ = attempt(TESTS / "later.so", "GET", "/later/answer?50")
    assert split(output)[2] == b"late\n"


def test_lines_of_the_handler_go_to_standard_error(attempt):
    output, said = attempt(TESTS / "mortal.so", "GET", "/log", "--route", "/*")
    assert split(output)[2] == b"logged\n"
    assert re.search(r"info: \[mortal \w+\] a line of the request\n", said)
    _, said = attempt(TESTS / "mortal.so", "GET", "/log", "--route", "/*", "--log-level",
                      "error")
    assert said == ""


@pytest.mark.parametrize("target, cause", [
    ("/segv", r"signal 11 \(Segmentation fault\) at address 0x0, in touch_null\+0x\w+, "
              r"answer\+0x\w+ \(mortal\.so\)"),
    ("/abort", r"signal 6 \(Aborted\)"), ("/kill", r"signal 9 \(Killed\)"),
    ("/exit", r"it called exit\("), ("/_exit", r"its process ended with status \d")])
def test_crash_is_told_with_its_cause(attempt, target, cause):
    output, said = attempt(TESTS / "mortal.so", "GET", target, "--route", "/*",
                           expected=1)
    assert output == b""
    assert re.search(rf"^mortal\.so: crashed in on_request, request \w+: {cause}", said,
                     re.M), said


def test_crash_after_the_reply_is_told_too(attempt):
    output, said = attempt(TESTS / "zoo/on_close.so", "GET", "/", "--route", "/*",
                           expected=1)
    assert split(output)[2] == b"here\n"
    assert "on_close.so: crashed in on_close: signal" in said


@pytest.mark.parametrize("plugin, callback", [
    ("zoo/constructor", "loading"), ("zoo/on_open", "on_open")])
def test_crash_before_the_request_is_told(attempt, plugin, callback):
    output, said = attempt(TESTS / f"{plugin}.so", "GET", "/", "--route", "/*",
                           expected=1)
    assert output == b""
    assert f"crashed in {callback}: signal" in said


def test_hang_is_ended_and_told_with_its_place(attempt):
    hanging = plugs.build(attempt.folder / "spin.so", "spin", "", code="""
static void spin(void)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
}
""", first="spin();")
    output, said = attempt(hanging, "GET", "/spin", "--timeout", "1", expected=1)
    assert output == b""
    assert re.search(r"^spin\.so: did not come back from on_request within 1 s, in "
                     r"(spin\+0x\w+, )?answer\+0x\w+", said, re.M), said


def test_reply_that_never_comes_is_told(attempt):
    output, said = attempt(TESTS / "later.so", "GET", "/later/answer?60000", "--timeout",
                           "1", expected=1)
    assert output == b""
    assert "later.so: no whole reply within 1 s\n" in said


def test_reply_that_is_given_up_is_told(attempt):
    assert "gave no reply" in attempt(TESTS / "later.so", "GET", "/later/abort-now",
                                      expected=1)[1]
    output, said = attempt(TESTS / "later.so", "GET", "/later/abort-begun", expected=1)
    assert split(output)[0] == "HTTP/1.1 200 OK"
    assert "did not complete its reply" in said


@pytest.mark.parametrize("plugin, why", [
    ("no_note", "not a tincan handler"), ("needs_level_2", "a newer tincan will run it"),
    ("undefined_symbol", "undefined symbol"), ("name_mismatch", "name")])
def test_refused_file_is_told_and_why(attempt, plugin, why):
    output, said = attempt(TESTS / f"{plugin}.so", "GET", "/", expected=2)
    assert output == b""
    assert said.startswith(f"{plugin}.so: ") and why in said


def test_file_that_others_may_write_is_refused(attempt):
    file = attempt.folder / "hello.so"
    shutil.copy(harness.PLUGINS / "hello.so", file)
    file.chmod(0o666)
    assert "others may write to it" in attempt(file, "GET", "/hello/Ada", expected=2)[1]


def test_handler_that_takes_no_requests_is_told(attempt):
    silent = plugs.build(attempt.folder / "line.so", "line", "",
                         code=plugs.CONNECTS["code"],
                         fields=".on_request = NULL, " + plugs.CONNECTS["fields"],
                         flags=["-Wno-unused-function", "-Wno-override-init"])
    assert "it answers no requests (it has no on_request) and filters none" in attempt(
        silent, "GET", "/line", expected=2)[1]


def test_target_outside_the_route_is_told(attempt):
    _, said = attempt(harness.PLUGINS / "hello.so", "GET", "/elsewhere", expected=2)
    assert said == ("hello.so: its route '/hello/{name}' does not take GET '/elsewhere'\n"
                    "  hint: --route says where it is to answer\n")
    output, _ = attempt(harness.PLUGINS / "hello.so", "GET", "/elsewhere", "--route",
                        "/{name}")
    assert split(output)[2] == b"Hello, elsewhere!\n"


@pytest.mark.parametrize("arguments, words", [
    (["GET"], "'try' needs a target"), (["GET", "/", "more"], "too many: 'more'"),
    (["G T", "/"], "'G T' is no method"), (["GET", "/a b"], "'/a b' is no target"),
    (["GET", "x"], "400 Bad Request"), (["GET", "/%zz"], "400 Bad Request"),
    (["GET", "/", "-H", "none"], "'none' is no header field"),
    (["GET", "/", "-H", "a: 1\r\nb: 2"], "is no header field"),
    (["GET", "/", "-H", "content-length: 5"], "there is none"),
    (["GET", "/", "-d", "@missing"], "missing: cannot read it"),
    (["GET", "/", "--timeout", "0"], "expected 1..86400 seconds, found '0'"),
    (["GET", "/", "--route", "no"], "--route: 'no' must start with '/'"),
    (["GET", "/", "--json"], "'--json' is not for 'try'"),
    (["GET", "/", "--config", "x"], "'--config' is not for 'try'")])
def test_misuse_is_told_in_the_users_words(attempt, arguments, words):
    output, said = attempt(harness.PLUGINS / "echo.so", *arguments, expected=2)
    assert output == b""
    assert words in said


@pytest.mark.parametrize("name, words", [
    ("missing.so", "cannot be opened: No such file"),
    ("no/echo.so", "cannot be opened: No such file"),
    ("echo.c", "expected the name of a .so file")])
def test_file_that_is_none_is_told(attempt, name, words):
    done = harness.tincan("try", name, "GET", "/", folder=attempt.folder)
    assert done.returncode == 2
    assert done.stderr.startswith(f"{name}: ") and words in done.stderr


# Filters

FILTER = """
#include <stdlib.h>
#include <tincan/handler.h>

static int judge(tc_req *r)
{
	if (tc.query(r)[0] == 'c')
		abort();
	if (tc.query(r)[0] == 'd')
		return tc.text(r, 403, "denied");
	tc.set_header(r, "x-judged", "yes");
	tc.set_request_header(r, "x-one", NULL);
	tc.set_request_header(r, "x-two", "2");
	return tc.query(r)[0] == 'f' ? TC_FAIL : TC_NEXT;
}

static int reply(tc_req *r, int status)
{
	(void)status;
	return tc.set_header(r, "x-type", tc.reply_header(r, "content-type"));
}

static int piece(tc_req *r, const void *data, size_t size, int last)
{
	int result = tc.pass(r, data, size, 0);

	return result == TC_OK && last ? tc.pass(r, "<end>", 5, 1) : result;
}

static void done(tc_req *r)
{
	tc_log(TC_INFO, "done with %s", tc.path(r));
}

TINCAN_HANDLER("sieve", .on_filter = judge, .on_reply = reply, .on_piece = piece,
    .on_done = done);
"""


@pytest.fixture
def sieve(attempt):
    file = attempt.folder / "sieve.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-fvisibility=hidden",
                    f"-I{harness.TOP}/include", "-o", file, "-x", "c", "-"],
                   input=FILTER, text=True, check=True)
    return file


def test_filter_stands_before_one_that_tells_what_it_got(attempt, sieve):
    output, said = attempt(sieve, "POST", "/any/where?a", "-d", "some text", "-H",
                           "x-one: 1")
    line, fields, body = split(output)
    assert (line, fields["x-judged"]) == ("HTTP/1.1 200 OK", "yes")
    assert fields["x-type"].startswith("text/plain")
    head, _, content = body.decode().partition("\n\n")
    assert head.splitlines()[0] == "POST /any/where?a"
    assert "x-two: 2" in head and "x-one" not in head
    assert content == "some text<end>"
    assert "done with /any/where" in said


def test_filter_that_replies_itself_lets_nothing_through(attempt, sieve):
    line, fields, body = split(attempt(sieve, "GET", "/?deny")[0])
    assert (line, body) == ("HTTP/1.1 403 Forbidden", b"denied")
    assert "x-type" not in fields


def test_filter_that_fails_fails_closed(attempt, sieve):
    output, said = attempt(sieve, "GET", "/?fail")
    assert split(output)[0] == "HTTP/1.1 500 Internal Server Error"
    assert "on_filter returned TC_FAIL" in said


def test_filter_that_crashes_is_told(attempt, sieve):
    output, said = attempt(sieve, "GET", "/?crash", expected=1)
    assert output == b""
    assert "crashed in on_filter, request" in said and "judge+" in said


@pytest.mark.parametrize("size", [0, 100000, 3000000])
def test_filter_gets_content_of_any_size_back_in_pieces(attempt, sieve, size):
    (attempt.folder / "content").write_bytes(b"x" * size)
    _, _, body = split(attempt(sieve, "PUT", "/", "-d", "@content")[0])
    assert body.partition(b"\n\n")[2] == b"x" * size + b"<end>"


def test_handler_in_cxx_answers(attempt):
    file = attempt.folder / "cxx.so"
    subprocess.run(["c++", "-std=c++20", "-shared", "-fPIC", "-fvisibility=hidden",
                    f"-I{harness.TOP}/include", "-o", file,
                    harness.TOP / "tests/plugins/cxx.cc"], check=True)
    assert split(attempt(file, "GET", "/cxx/here")[0])[2] == b"C++ at /cxx/here\n"


def test_output_that_cannot_be_written_is_told():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [harness.TINCAN, "try", "hello.so", "GET", "/hello/Ada"], stdout=full,
            stderr=subprocess.PIPE, text=True, timeout=harness.DEADLINE, check=False,
            cwd=harness.PLUGINS, env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (
        1, "tincan: cannot print the reply: No space left on device\n")


def test_interrupt_ends_it_and_leaves_nothing(tmp_path):
    file = tmp_path / "later.so"
    shutil.copy(TESTS / "later.so", file)
    (tmp_path / "temporary").mkdir()
    with subprocess.Popen(
            [harness.TINCAN, "try", file, "GET", "/later/stream?-1"], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0,
            env={**ENVIRONMENT, "TMPDIR": str(tmp_path / "temporary")}) as process:
        assert process.stdout.readline() == "HTTP/1.1 200 OK\n"
        process.send_signal(signal.SIGTERM)
        while process.stdout.read(65536):
            pass
        assert process.wait(harness.DEADLINE) == -signal.SIGTERM
        assert harness.group_processes(process.pid) == []
    assert list((tmp_path / "temporary").iterdir()) == []
