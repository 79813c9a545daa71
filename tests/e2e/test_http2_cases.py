# SPDX-License-Identifier: MIT
"""Every case of tests/http2 against the real server; the format is in its README.md."""

import collections
import re

import hyperframe.frame
import pytest

import h2
import harness
from test_http1_cases import seen, split_sees, unescape

WORD = re.compile(r'"(?:\\.|[^"\\])*"|\w+\("(?:\\.|[^"\\])*"\)|\w+\([^)]*\)|\S+')
CALL = re.compile(r"(\w+)\((.*)\)")
PART = re.compile(r"block(?:\[(\d*):(\d*)\])?")
NUMBERS = {"u8": 1, "u16": 2, "u32": 4}
OPEN = 1001  # the stream of "then: open"; no case comes so far
H2SPEC = {  # how many claims each of its sections makes
    "generic": {"1": 1, "2": 5, "3.1": 3, "3.2": 3, "3.3": 5, "3.4": 1, "3.5": 1,
                "3.7": 1, "3.8": 1, "3.9": 2, "3.10": 2, "4": 4, "5": 15},
    "hpack": {"2.3.3": 2, "4.2": 1, "5.2": 3, "6.1": 1, "6.3": 1},
    "http2": {"3.5": 2, "4.1": 3, "4.2": 3, "4.3": 3, "5.1": 13, "5.1.1": 2, "5.1.2": 1,
              "5.3.1": 2, "5.4.1": 2, "5.5": 2, "6.1": 3, "6.2": 4, "6.3": 2, "6.4": 3,
              "6.5": 3, "6.5.2": 5, "6.5.3": 2, "6.7": 4, "6.8": 1, "6.9": 3, "6.9.1": 3,
              "6.9.2": 3, "6.10": 6, "7": 2, "8.1": 1, "8.1.2": 1, "8.1.2.1": 4,
              "8.1.2.2": 2, "8.1.2.3": 7, "8.1.2.6": 2, "8.2": 1},
}


def read_blocks():
    for path in sorted((harness.TOP / "tests/http2").glob("*.txt")):
        text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.M)
        for block in re.split(r"\n\n+", text.strip()):
            steps = [re.split(r": ?", line, maxsplit=1) for line in block.splitlines()]
            assert [key for key, _ in steps[:2]] == ["case", "section"], block
            yield path.stem, steps


def read_cases():
    for stem, steps in read_blocks():
        rest = [step for step in steps[2:] if step[0] != "h2spec"]
        yield pytest.param(rest, id=f"{stem}: {steps[0][1]}")


def number(text):
    for names in h2.Setting, h2.Code:
        if text in names.__members__:
            return names[text]
    return int(text, 0)


def quoted(text):
    """The bytes that a word in quotes means."""
    assert text[:1] == text[-1:] == '"', text
    return unescape(text[1:-1].replace('\\"', "\\x22")).encode("latin-1")


class Script:
    """One case on one connection. A method for each word of the language."""

    def __init__(self, connection):
        self.h2 = connection
        self.block = h2.literals("GET", "/hello/x")
        self.cursor = len(connection.frames)  # frames that "receive" is through with
        self.last = -1  # the highest stream so far
        self.answer = None

    def run(self, steps):
        for key, value in steps:
            getattr(self, "do_" + key.replace("-", "_"))(value)

    def do_handshake(self, value):
        assert value == "none"  # seen to before

    # What is sent

    def stream(self, word):
        if word == "next":
            self.last += 2
        return self.last if word in ("next", "last") else int(word, 0)

    def word(self, word):
        """The bytes of one word."""
        if part := PART.fullmatch(word):
            begin, end = (int(x) if x else None for x in part.groups())
            return self.block[begin:end]
        if word.startswith('"'):
            return quoted(word)
        name, argument = CALL.fullmatch(word).groups()
        if name in NUMBERS:
            return number(argument).to_bytes(NUMBERS[name], "big")
        if name == "table_size":
            size = self.h2.server_settings.get(h2.Setting.HEADER_TABLE_SIZE, 4096)
            return h2.integer(size + 1 if argument == "max+1" else int(argument), 5, 0x20)
        return {"string": h2.string, "huffman": h2.huffman}[name](quoted(argument))

    def words(self, words):
        return b"".join(map(self.word, words))

    def frame(self, value):
        """What a line says of a frame: type, stream, flags, the words left."""
        kind, stream, *words = WORD.findall(value)
        kind = h2.Type[kind] if kind in h2.Type.__members__ else int(kind, 0)
        flags = 0
        while words and (words[0] in h2.Flag.__members__ or words[0].startswith("0x")):
            word = words.pop(0)
            flags |= h2.Flag[word] if word in h2.Flag.__members__ else int(word, 0)
        return kind, self.stream(stream), flags, words

    def do_request(self, value):
        self.block = h2.literals(*value.split(" "))

    def do_field(self, value):
        name = re.match(r":?[^ ]*", value)[0]
        self.block += h2.literal(unescape(name), unescape(value[len(name) + 1:]))

    def do_block(self, value):
        self.block += self.words(WORD.findall(value))

    def do_section_of(self, value):
        self.block = self.words(WORD.findall(value))

    def do_send(self, value):
        kind, stream, flags, words = self.frame(value)
        self.h2.send(h2.frame(kind, flags, stream, self.words(words)))

    def do_raw(self, value):
        self.h2.send(self.words(WORD.findall(value)))

    def do_fill(self, value):
        assert value == "streams"
        for _ in range(self.h2.server_settings[h2.Setting.MAX_CONCURRENT_STREAMS]):
            self.do_send("HEADERS next END_STREAM END_HEADERS block")

    # What has to come

    def next_frame(self, kind, stream):
        """The next frame of that type on that stream, from the cursor on."""
        for i in range(self.cursor, len(self.h2.frames)):
            frame = self.h2.frames[i]
            assert frame.type not in (h2.Type.GOAWAY, h2.Type.RST_STREAM), frame
            if (frame.type, frame.stream_id) == (kind, stream):
                self.cursor = i + 1
                return frame
        return None

    def do_receive(self, value):
        kind, stream, flags, words = self.frame(value)
        frame = self.h2.wait(lambda: self.next_frame(kind, stream), value)
        found = sum(bit for name, bit in frame.defined_flags if name in frame.flags)
        assert found == flags, frame
        if words:
            assert frame.serialize_body() == self.words(words), frame

    def do_head(self, value):
        stream, status = value.split(" ")
        assert self.h2.wait_head(self.stream(stream)) == int(status)

    def do_reply(self, value):
        stream, statuses = value.split(" ")
        self.answer = self.h2.reply(self.stream(stream))
        assert str(self.answer.status) in statuses.split("|"), self.answer

    def do_sees(self, value):
        key, wanted = split_sees(value)
        assert wanted in seen(self.answer.json, key), self.answer

    def do_connection_error(self, codes):
        self.h2.wait(lambda: self.h2.goaway or self.h2.ended, f"GOAWAY {codes}")
        if self.h2.goaway:
            self.do_goaway(codes)

    def do_goaway(self, codes):
        assert self.h2.wait_goaway().name in codes.split("|"), self.h2.goaway
        self.h2.wait_end()

    def do_stream_error(self, value):
        stream, codes = value.split(" ")
        state = self.h2.stream(self.stream(stream))
        self.h2.wait(lambda: state.reset is not None or self.h2.goaway or self.h2.ended,
                     f"RST_STREAM {codes}")
        if self.h2.goaway:
            self.do_goaway(codes)
        elif state.reset is not None:
            assert state.reset.name in codes.split("|"), state

    def do_reset(self, value):
        stream, code = value.split(" ")
        assert self.h2.wait_reset(self.stream(stream)).name == code

    def do_then(self, value):
        if value == "open":
            self.h2.send(h2.frame(h2.Type.HEADERS, h2.Flag.END_STREAM |
                                  h2.Flag.END_HEADERS, OPEN,
                                  h2.literals("GET", "/hello/again")))
            assert self.h2.reply(OPEN).body == b"Hello, again!\n"
        elif value == "pong or end":
            self.h2.send(h2.ping())
            self.h2.wait(lambda: self.h2.ended or any(
                isinstance(x, hyperframe.frame.PingFrame) for x in self.h2.frames), value)
        else:
            assert value == "pong"
            self.h2.round_trip()
        assert not self.h2.goaway or value == "pong or end"


@pytest.mark.parametrize("steps", read_cases())
def test_case(server, steps):
    handshake = ["handshake", "none"] not in steps
    with h2.connect(server, opens_windows=False, handshake=handshake) as connection:
        Script(connection).run(steps)


def test_every_claim_of_h2spec_is_there():
    found = collections.Counter(
        value for _, steps in read_blocks() for key, value in steps if key == "h2spec")
    wanted = {f"{part}/{section}/{i + 1}": 1 for part, sections in H2SPEC.items()
              for section, count in sections.items() for i in range(count)}
    assert found == wanted
