# SPDX-License-Identifier: MIT
"""Every case of tests/ws against the real server; the format is in its README.md."""

import re

import pytest

import harness
import ws

ESCAPE = re.compile(rb"\\(x[0-9a-f]{2}|.)")
REPEAT = re.compile(rb"\{([^{}]*)\*(\d+)\}")
ESCAPES = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"\\": b"\\"}
FRAME = re.compile(r"([a-z]+|\d+)(\+?)(?:/(\d+))?(?: (.*))?", re.S)


def noise(size):
    state = 2463534242
    data = bytearray()
    for _ in range(size):
        state ^= state << 13 & 0xffffffff
        state ^= state >> 17
        state ^= state << 5 & 0xffffffff
        data.append(state & 255)
    return bytes(data)


def unescape(text):
    def resolve(found):
        word = found[1]
        return bytes([int(word[1:], 16)]) if word[:1] == b"x" else ESCAPES[word]
    return ESCAPE.sub(resolve, text)


def payload_of(text):
    """The bytes that a case means."""
    if text.startswith("@noise "):
        return noise(int(text[7:]))
    data = b""
    place = 0
    raw = text.encode()
    for found in REPEAT.finditer(raw):
        data += unescape(raw[place:found.start()]) + unescape(found[1]) * int(found[2])
        place = found.end()
    return data + unescape(raw[place:])


def read_cases():
    for path in sorted((harness.TOP / "tests/ws").glob("*.txt")):
        text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.M)
        for block in re.split(r"\n\n+", text.strip("\n")):
            steps = [re.split(r": ?", line, maxsplit=1) for line in block.split("\n")]
            assert steps[0][0] == "case", block
            if ["max-message", "0"] in steps:
                continue  # not to be configured
            yield pytest.param(steps[1:], id=steps[0][1])


def pieces(text, packed):
    """The frames of a message that is cut."""
    kind, _, size, rest = FRAME.fullmatch(text).groups()
    data = payload_of(rest)
    if packed:
        data = ws.deflate(data)
    size = int(size) or max(len(data), 1)
    parts = [data[i:i + size] for i in range(0, len(data), size)] or [b""]
    for i, part in enumerate(parts):
        bits = ws.FIN if i == len(parts) - 1 else 0
        if i == 0 and packed:
            bits |= ws.RSV1
        yield ws.frame(bits, 0 if i else ws.OPCODES[kind], part)


def single(text):
    """The frame of a send."""
    kind, more, bits, rest = FRAME.fullmatch(text).groups()
    opcode = ws.OPCODES.get(kind)
    data = rest or ""
    if kind == "close" and data:
        code, _, reason = data.partition(" ")
        data = ws.close_payload(int(code), payload_of(reason))
    else:
        data = payload_of(data)
    return ws.frame((0 if more else ws.FIN) | int(bits or 0),
                    int(kind) if opcode is None else opcode, data)


def expected(text):
    kind, _, rest = text.partition(" ")
    if kind == "close":
        return kind, ws.close_payload(int(rest)) if rest else b""
    return kind, payload_of(rest)


def send(socket, key, value):
    if key == "raw":
        socket.client.send(payload_of(value))
    elif key == "send":
        socket.client.send(single(value))
    else:
        assert key in ("pieces", "deflate")
        for frame in pieces(value, key == "deflate"):
            socket.client.send(frame)


def run(socket, steps):
    times = 1
    for key, value in steps:
        if key == "times":
            times = int(value)
            continue
        for _ in range(times):
            if key == "get":
                assert socket.read() == expected(value)
            elif key != "told":
                send(socket, key, value)
        times = 1


@pytest.fixture(scope="module")
def servers(tmp_path_factory, certificates, make_config):
    """A server for each bound of a message. The handler is in the worker: from a host
    its echo may come after the client has closed or broken a rule; then it is dropped."""
    started = {}

    def of_bound(max_message):
        if max_message not in started:
            started[max_message] = harness.Server(
                tmp_path_factory.mktemp("server"),
                make_config(handlers={"echo": {"isolation": "worker",
                                               "max_message_bytes": max_message}}),
                certificates)
        return started[max_message]
    yield of_bound
    for server in started.values():
        server.stop()


@pytest.mark.parametrize("steps", read_cases())
def test_case(servers, steps):
    facts = dict(steps)
    server = servers(int(facts.get("max-message", 1 << 20)))
    fields = [f"Sec-WebSocket-Extensions: {facts['offer']}"] if "offer" in facts else []
    with server.connect() as client:
        socket = ws.WebSocket(client)
        reply = socket.open("/echo", *fields)
        if "agreed" in facts:
            assert reply.header("sec-websocket-extensions") == (facts["agreed"] or None)
        run(socket, [step for step in steps
                     if step[0] not in ("offer", "agreed", "max-message")])
        if "told" in facts:
            assert client.ended(), f"more came: {client.data!r}"
        elif "raw" not in facts:
            socket.close()
