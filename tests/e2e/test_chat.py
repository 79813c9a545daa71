# SPDX-License-Identifier: MIT
"""The chat handler: browsers and terminals in one room, over all workers."""

import contextlib
import os
import re
import shutil
import signal

import pytest
import websockets

import harness
from browser import Browser
from chatters import SClient, Terminal, Web, fill_workers, worker_of_client

GREETING = "two cans and a string: what you type, all others here can read"
AT_ONCE = 20  # lines that one may say before it gets too fast
TOO_LONG = "too long, that was not sent: a line has 1000 bytes at most"


@pytest.fixture
def start(start_server, isolation):
    """Starts a server with those settings of the chat."""
    def start(settings=None, **changes):
        stream = {"handler": "chat", "settings": settings or {}}
        return start_server(**{
            "handlers": {"chat": {"isolation": isolation}},
            "alpn": {"tincan-chat": stream},
            "routes": [{"path": "/chat", **stream}], **changes})
    return start


@pytest.fixture
def chat(start):
    """A server with nobody in the room yet."""
    return start()


# Two ends of one line


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_chromium_and_s_client_talk_through_two_workers(chat, tmp_path):
    with contextlib.ExitStack() as people:
        page = people.enter_context(Browser(tmp_path / "chromium", chat.url("/chat")))
        page.wait("document.activeElement.id === 'name'")
        page.type("bob\n")
        page.wait("document.getElementById('state').innerText.includes('Nobody else')")
        terminals = []
        # One on each worker: so one of them at least is not on the browser's.
        while len({worker_of_client(chat, x.process.pid) for x in terminals}) < 2:
            assert len(terminals) < 60
            terminal = people.enter_context(SClient(chat, "-alpn", "tincan-chat"))
            terminals.append(terminal)
            terminal.until("Your name? ")
            terminal.type(f"ann{len(terminals)}\n")
            terminal.until(f"(ann{len(terminals)} is here, ")
        for i, terminal in enumerate(terminals, 1):
            terminal.type(f"hello <b>bob</b> from {i}\n")
            page.wait("document.getElementById('lines').innerText.includes("
                      f"'ann{i}: hello <b>bob</b> from {i}')")
        attack = "hello all <img src=x onerror=document.title='bad'>"
        page.type(attack + "\n")
        for terminal in terminals:
            terminal.until(f"bob: {attack}\n")
        page.wait("document.querySelector('.mine')?.innerText.includes('hello all')")
        page.wait("document.getElementById('state').innerText === "
                  f"'{len(terminals) + 1} people here.'")
        assert page.evaluate("document.images.length") == 0
        assert page.evaluate("document.title") == "tincan chat"


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed")
def test_page_calls_again_when_the_line_was_cut(chat, isolation, tmp_path):
    with Browser(tmp_path / "chromium", chat.url("/chat")) as page:
        page.wait("document.activeElement.id === 'name'")
        page.type("bob\n")
        page.wait("!document.body.classList.contains('down')")
        for pid in chat.hosts("chat") if isolation == "host" else chat.workers:
            os.kill(pid, signal.SIGKILL)
        page.wait("document.body.classList.contains('down') || "
                  "document.querySelectorAll('.note').length > 2")
        page.wait("!document.body.classList.contains('down')")
        with Web(chat, "ann") as ann:
            page.type("still here\n")
            ann.until(**{"from": "bob"}, text="still here")
            # Who was in the process that died is not counted for ever.
            ann.until_people(2)


def test_everybody_hears_everybody(chat):
    with contextlib.ExitStack() as stack:
        def web(number):
            return stack.enter_context(Web(chat, f"w{number}"))

        def terminal(number):
            return stack.enter_context(Terminal(chat, f"t{number}"))

        webs = [web(i) for i in range(8)]
        fill_workers(chat, webs, web)
        terminals = [terminal(i) for i in range(8)]
        fill_workers(chat, terminals, terminal)
        names = {person.name for person in webs + terminals}
        for person in webs + terminals:
            person.say(f"this is {person.name}")
        for person in webs:
            heard = {person.until(text=re.compile("this is .*"))["from"] for _ in names}
            assert heard == names
        for person in terminals:
            heard = {person.until(r"\w+: this is \w+").split(":")[0]
                     for _ in range(len(names) - 1)}
            assert heard == names - {person.name}


def test_people_are_counted_over_all_workers(chat):
    with contextlib.ExitStack() as stack:
        def web(number):
            return stack.enter_context(Web(chat, f"w{number}"))

        webs = [web(0), web(1)]
        fill_workers(chat, webs, web)
        first = webs[0]
        first.until_people(len(webs))
        with Terminal(chat, "t"):
            first.until(note=f"t is here, {len(webs) + 1} people now")
            first.until_people(len(webs) + 1)
        first.until(note=f"t has left, {len(webs)} people now")
        first.until_people(len(webs))


def test_own_words_come_back_to_a_browser_only(chat):
    with Web(chat, "ann") as ann, Terminal(chat, "bob") as bob:
        ann.say("one")
        bob.until("ann: one")
        bob.say("two")
        assert "mine" not in ann.until(**{"from": "bob"}, text="two")
        ann.say("three")
        assert bob.line() == "ann: three"
        assert ann.until(**{"from": "ann"}, text="three")["mine"] is True


def test_words_of_one_come_in_order(chat):
    with Terminal(chat, "ann") as ann, Web(chat, "bob") as bob:
        lines = [f"line {i}" for i in range(15)]
        ann.say(*lines)
        assert [bob.until(**{"from": "ann"})["text"] for _ in lines] == lines


def test_listener_of_its_own_leads_to_the_same_room(start):
    server = start(listeners=[{"address": "127.0.0.1:0"},
                              {"address": "127.0.0.1:0", "stream": "chat"}])
    port = server.wait_log("listening on tls:").split(":")[-1].strip('"}\n')
    with Web(server, "ann") as ann, SClient(server, port=port) as bob:
        bob.type("bob\n")
        ann.until(note="bob is here, 2 people now")
        bob.type("hi\n")
        ann.until(**{"from": "bob"}, text="hi")


def test_rooms_of_different_names_do_not_hear_one_another(start):
    server = start(routes=[{"path": "/chat", "handler": "chat",
                            "settings": {"room": "kitchen"}}])
    with Terminal(server, "ann") as ann, Terminal(server, "bob") as bob, \
            Web(server, "cid") as cid, Web(server, "dot") as dot:
        ann.say("secret")
        bob.until("ann: secret")
        dot.say("soup")
        assert cid.until(text=re.compile(".+"))["text"] == "soup"


# What people type


def test_terminal_is_greeted_and_asked_for_a_name(chat):
    with Terminal(chat) as ann:
        assert ann.line() == f"({GREETING})"
        assert ann.read(11) == b"Your name? "
        ann.say("ann")
        assert ann.line() == "(hello ann, Ctrl-C hangs up)"
        assert ann.line() == "(ann is here, 1 person now)"


def test_browser_is_greeted_and_asked_for_a_name(chat):
    with Web(chat) as ann:
        assert ann.message() == {"note": GREETING}
        assert ann.message() == {"ask": "Your name?"}
        ann.say("ann")
        assert ann.message() == {"you": "ann"}
        assert ann.message() == {"note": "ann is here, 1 person now"}
        assert ann.message() == {"people": 1}


def test_greeting_comes_from_the_settings(start):
    with Terminal(start(settings={"greeting": "ahoy"})) as ann:
        assert ann.line() == "(ahoy)"


def test_nobody_hears_before_it_has_a_name(chat):
    with Terminal(chat) as nobody, Terminal(chat, "ann") as ann, Web(chat, "bob") as bob:
        ann.say("psst")
        bob.until(text="psst")
        nobody.say("cid")
        nobody.until(r".*hello cid.*")
        assert nobody.line() == "(cid is here, 3 people now)"


@pytest.mark.parametrize("typed, name", [
    ("  ann  lee ", "ann lee"), ("Zoë", "Zoë"), ("a:b (c)", "ab c"), ("ann\r", "ann"),
    ("n" * 40, "n" * 32), ("ë" * 20, "ë" * 16), ("a\x1b[2Jb\x00\x7f\x85", "a[2Jb"),
    ("\u202eann\u2066\u200b", "ann"), (b"a\xffb\xc3", "a?b?")])
def test_name_is_made_harmless(chat, typed, name):
    typed = typed.encode() if isinstance(typed, str) else typed
    with Terminal(chat) as ann:
        ann.send(typed + b"\n")
        ann.until(rf".*\(hello {re.escape(name)}, Ctrl-C hangs up\)")


@pytest.mark.parametrize("typed", ["", "  ", "(:)", "\x1b", "\u200b\u200d"])
def test_name_of_nothing_is_asked_for_again(chat, typed):
    with Web(chat) as ann:
        ann.until(ask="Your name?")
        ann.say(typed)
        assert ann.message() == {"ask": "Your name?"}


TEXTS = [
    ("\x1b]0;title\x07\x1b[31mred", "]0;title[31mred"), ("a\tb\x0bc", "a b c"),
    ("\x9b2J\x84x", "2Jx"), ("\u202eevil\u2069", "evil"), ("x\u2028bob: y", "xbob: y"),
    ("\ufeffz\u00ad\U000e0041", "z"), ("  two  words  ", "two  words"),
    ("👩‍💻 naïve ☕", "👩‍💻 naïve ☕"), ("\"quoted\\\"", "\"quoted\\\"")]


@pytest.mark.parametrize("typed, text", TEXTS + [("a\nbob: b", "a bob: b"),
                                                 ("a\r\n(b", "a  (b")])
def test_nothing_of_a_browser_moves_a_terminal(chat, typed, text):
    with Web(chat, "ann") as ann, Terminal(chat, "bob") as bob:
        ann.say(typed)
        assert bob.line() == f"ann: {text}"


@pytest.mark.parametrize("typed, text", TEXTS + [(b"\xff\xc3(\xed\xa0\x80", "??(???")])
def test_nothing_of_a_terminal_moves_another(chat, typed, text):
    typed = typed.encode() if isinstance(typed, str) else typed
    with Terminal(chat, "ann") as ann, Terminal(chat, "bob") as bob, \
            Web(chat, "cid") as cid:
        bob.until(r"\(cid .*")
        ann.send(typed + b"\r\n")
        assert bob.line() == f"ann: {text}"
        assert cid.until(**{"from": "ann"})["text"] == text


def test_line_may_come_in_any_pieces(chat):
    with Terminal(chat, "ann") as ann, Web(chat, "bob") as bob:
        ann.until(r"\(bob .*")
        for byte in "one\r\ntw":
            ann.send(byte)
        ann.send("o\nthree\n\n\nfour\n")
        heard = [bob.until(**{"from": "ann"})["text"] for _ in range(4)]
        assert heard == ["one", "two", "three", "four"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_terminals_line_has_1000_bytes_at_most(chat, end):
    with Terminal(chat, "ann") as ann, Web(chat, "bob") as bob:
        ann.until(r"\(bob .*")
        ann.send("x" * 1001 + end + "y" * 100000 + end + "z" * 1000 + end)
        assert [ann.line(), ann.line()] == [f"({TOO_LONG})"] * 2
        assert bob.until(**{"from": "ann"})["text"] == "z" * 1000


def test_browsers_line_has_1000_bytes_at_most(chat):
    with Web(chat, "ann") as ann, Terminal(chat, "bob") as bob:
        ann.say("x" * 1001, "z" * 1000)
        ann.until(note=TOO_LONG)
        assert bob.line() == "ann: " + "z" * 1000


def test_too_fast_is_told_once_and_then_goes_on(chat):
    with Terminal(chat, "ann") as ann, Web(chat, "bob") as bob:
        ann.until(r"\(bob .*")
        ann.say(*(f"line {i}" for i in range(AT_ONCE + 10)))
        assert ann.line() == "(too fast, that was not sent: wait a moment)"
        bob.until(**{"from": "ann"}, text=f"line {AT_ONCE - 2}")  # the name was one, too
        harness.wait_for(lambda: ann.say("again") or bob.heard(text="again"),
                         "being heard again")


def test_binary_message_hangs_up(chat):
    with Web(chat, "ann") as ann:
        ann.say(b"ann")
        assert ann.code() == 1003


def test_last_line_of_a_pipe_needs_no_end(chat):
    with Web(chat, "bob") as bob, SClient(chat, "-alpn", "tincan-chat",
                                          "-no_ign_eof") as ann:
        ann.type("ann\nbye")
        ann.process.stdin.close()
        bob.until(**{"from": "ann"}, text="bye")
        bob.until(note="ann has left, 1 person now")
        ann.process.wait(harness.DEADLINE)


# Who is too slow, too many, or in the way


def test_full_room_turns_away(start):
    server = start(settings={"max_people": 2}, workers=1)
    with Web(server, "ann"), Web(server, "bob"), Terminal(server, "cid"), \
            Terminal(server, "dot") as dot, Terminal(server) as fifth:
        assert fifth.read_to_end() == b"(the room is full: call again later)\n"
        with pytest.raises(websockets.InvalidHandshake, match="HTTP 503"):
            Web(server)
        dot.close()

        def welcome():
            with Terminal(server) as sixth:
                return sixth.line() == f"({GREETING})"

        harness.wait_for(welcome, "a place")


def test_slow_reader_is_told_how_much_it_has_lost(start):
    server = start(timeouts={"write_ms": 120000})
    with Terminal(server, "slow", receive_bytes=4096) as slow, Web(server, "ann") as ann:
        said = 0
        # 5 MB: the kernel keeps up to 4 of them, whatever we do.
        for i in range(280):
            with Terminal(server, f"crier{i}") as crier:
                lines = [f"{j} {'x' * 990}" for j in range(AT_ONCE - 1)]
                crier.say(*lines)
                for _ in lines:
                    ann.until(**{"from": crier.name})
                said += len(lines)
        slow.until(r"\(crier0 .*")
        heard = lost = 0
        while heard + lost < said:
            line = slow.line()
            if told := re.fullmatch(r"\((\d+) lines lost\)", line):
                lost += int(told.group(1))
            heard += line.startswith("crier")
        assert lost > 0
        ann.say("are you there?")
        slow.until(r"ann: are you there\?")


def test_people_are_told_when_the_server_stops(chat):
    with Terminal(chat, "ann") as ann, Web(chat, "bob") as bob:
        chat.signal(signal.SIGTERM)
        assert ann.read_to_end().decode().endswith("(the server hangs up: call again)\n")
        assert bob.code() == 1001


def test_people_stay_over_a_reload(chat):
    with Terminal(chat, "ann") as ann, Web(chat, "bob") as bob:
        ann.until(r"\(bob is here, .*")
        chat.signal(signal.SIGHUP)
        chat.wait_log("generation 2 serves")
        bob.say("still here?")
        ann.until(r"bob: still here\?")
        with Terminal(chat, "carl") as carl:
            ann.until(r"\(carl is here, 3 people now\)")
            carl.say("hello")
            ann.until("carl: hello")
            ann.say("hello carl")
            carl.until("ann: hello carl")


# The page


def test_page_needs_nothing_from_elsewhere_and_allows_nothing_else(chat):
    replies = [chat.get("/chat"), chat.get("/chat")]
    nonces = [re.search(r"script-src 'nonce-(\w{32})'", x.header(
        "content-security-policy")).group(1) for x in replies]
    assert nonces[0] != nonces[1]
    for reply, nonce in zip(replies, nonces):
        policy = reply.header("content-security-policy").split("; ")
        assert "default-src 'none'" in policy and f"style-src 'nonce-{nonce}'" in policy
        assert reply.header("content-type") == "text/html; charset=utf-8"
        assert re.findall(r"<(?:script|style)[^>]*>", reply.text) == [
            f'<style nonce="{nonce}">', f'<script nonce="{nonce}">']
        assert "@NONCE@" not in reply.text
        assert not re.search(r"(?:src|href)=\"(?!data:|#)| on\w+=|innerHTML", reply.text)


def test_page_is_for_get_and_head(chat):
    assert chat.request("HEAD", "/chat").status == 200
    reply = chat.request("POST", "/chat", body=b"x")
    assert (reply.status, reply.header("allow")) == (405, "GET, HEAD")
