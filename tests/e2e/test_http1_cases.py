# SPDX-License-Identifier: MIT
"""Every case of tests/http1 against the real server; the format is in its README.md."""

import base64
import re

import pytest

import harness

ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.)")
REPEAT = re.compile(r"(?<!\\)\{([^{}]*)\*(\d+)\}")
ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}
DATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d "
    r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT")
READER_KEYS = {"authority", "flags"}  # no reply shows them


def unescape(text):
    """The bytes that a case means, as a str of as many characters."""
    while (found := REPEAT.search(text)) is not None:
        text = text[:found.start()] + found[1] * int(found[2]) + text[found.end():]

    def resolve(found):
        word = found[1]
        return chr(int(word[1:], 16)) if word[0] == "x" else ESCAPES[word]
    return ESCAPE.sub(resolve, text)


def read_cases():
    for path in sorted((harness.TOP / "tests/http1").glob("*.txt")):
        text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.M)
        for block in re.split(r"\n\n+", text.strip()):
            steps = [re.split(r": ?", line, maxsplit=1) for line in block.splitlines()]
            assert [key for key, _ in steps[:2]] == ["case", "section"], block
            if "reader-only" not in dict(steps):
                yield pytest.param(steps[2:], id=f"{path.stem}: {steps[0][1]}")


def seen(echo, key):
    """What /echo tells under a key of "sees", as a list."""
    kind, _, name = key.partition(" ")
    if kind in ("header", "trailer"):
        return [value for field, value in echo[kind + "s"] if field == name]
    if kind == "body":
        data = echo["body"]["data"]
        if echo["body"]["encoding"] == "base64":
            data = base64.b64decode(data).decode("latin-1")
        return [data]
    return [echo[kind]]


def split_sees(value):
    """The key, of two words for fields, and the rest."""
    words = 2 if value.startswith(("header ", "trailer ")) else 1
    parts = unescape(value).split(" ", words)
    return " ".join(parts[:words]), parts[words] if len(parts) > words else ""


class Script:
    """One case on one connection. A method for each word of the language."""

    def __init__(self, client):
        self.client = client
        self.reply = None

    def run(self, steps):
        for key, value in steps:
            getattr(self, "do_" + key.replace("-", "_"))(value)
        if any(key == "refused" for key, _ in steps):
            self.do_then("closed")

    def do_server_only(self, _why):
        pass

    def do_send(self, value):
        self.client.send(unescape(value).encode("latin-1"))

    def read(self, statuses, method="GET"):
        self.reply = self.client.read_reply(method)
        while self.reply.status == 100 and "100" not in statuses:
            self.reply = self.client.read_reply(method)
        assert str(self.reply.status) in statuses, self.reply
        assert self.reply.version == "HTTP/1.1"
        if self.reply.status >= 200:
            self.check_final()

    def check_final(self):
        """What holds for every final reply (RFC 9110 6.6.1, RFC 9112 6.2)."""
        assert DATE.fullmatch(self.reply.header("date")), self.reply
        assert (self.reply.header("content-length") is None or
                self.reply.header("transfer-encoding") is None), self.reply

    def do_reply(self, value):
        statuses, _, rest = value.partition(" ")
        assert rest in ("", "without body")
        self.read(statuses.split("|"), "HEAD" if rest else "GET")

    def do_refused(self, value):
        self.read([value])
        assert self.reply.header("connection") == "close"

    def do_header(self, value):
        name, _, wanted = value.partition(" ")
        found = self.reply.header(name)
        assert found is not None, self.reply
        assert wanted in ("", found)

    def do_no_header(self, name):
        assert self.reply.header(name) is None

    def do_body(self, value):
        assert self.reply.body.decode("latin-1") == unescape(value)

    def do_sees(self, value):
        key, wanted = split_sees(value)
        if key not in READER_KEYS and self.is_echo():
            assert wanted in seen(self.reply.json, key), self.reply

    def do_sees_no(self, value):
        key, unwanted = split_sees(value)
        assert unwanted not in seen(self.reply.json, key), self.reply

    def is_echo(self):
        return self.reply.header("content-type") == "application/json"

    def do_then(self, value):
        if value == "closed":
            assert self.client.ended(), f"more came: {self.client.data!r}"
            return
        assert value == "open"
        self.client.send(b"GET /hello/again HTTP/1.1\r\nHost: a\r\n\r\n")
        self.read(["200"])
        assert self.reply.body == b"Hello, again!\n"
        assert self.client.data == b""


@pytest.mark.parametrize("steps", read_cases())
def test_case(server, steps):
    with server.connect() as client:
        Script(client).run(steps)
