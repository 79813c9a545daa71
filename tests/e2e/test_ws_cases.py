# SPDX-License-Identifier: MIT
"""Every case of tests/ws against the real server, over HTTP/1.1 and HTTP/2, with the echo
handler in a host and in a worker; the format is in its README.md."""

import contextlib
import dataclasses
import functools
import re

import pytest

import h2
import harness
import ws
from test_http1_cases import unescape

STEP = re.compile(r"([a-z]+|\d+)(\+?)(?:/(\d+))? ?(.*)")
CLOSE = re.compile(r"(\d+)(?: (.*))?")
WINDOW = re.compile(r"server_max_window_bits=(\d+)")
OPCODES = {op.name.lower(): op for op in ws.Op}
BROKEN = 1002, 1007, 1009
BOUND = 1 << 20  # of messages, unless the case says otherwise


@dataclasses.dataclass
class Case:
    name: str
    offer: str = None
    agreed: str = None  # None: not said
    bound: int = BOUND
    input: bytes = b""
    expected: list = dataclasses.field(default_factory=list)  # of (opcode, payload)
    told: int = 0
    whole: bool = True  # does the input end with a frame?


def noise(size):
    """As the README has it."""
    state, data = 2463534242, bytearray()
    for _ in range(size):
        state ^= state << 13 & 0xffffffff
        state ^= state >> 17
        state ^= state << 5 & 0xffffffff
        data.append(state & 0xff)
    return bytes(data)


@functools.cache
def payload(text):
    if text.startswith("@noise "):
        return noise(int(text.split()[1]))
    return unescape(text).encode("latin-1")


def split_step(value):
    word, more, number, rest = STEP.fullmatch(value).groups()
    opcode = OPCODES.get(word)
    return (int(word) if opcode is None else opcode), bool(more), int(number or 0), rest


def send(value):
    opcode, more, rsv, rest = split_step(value)
    if opcode == ws.Op.CLOSE and value.startswith("close") and rest:
        code, reason = CLOSE.fullmatch(rest).groups()
        data = ws.close_payload(int(code)) + payload(reason or "")
    else:
        data = payload(rest)
    return ws.frame(opcode, data, fin=not more, rsv=rsv)


def pieces(value, packed):
    opcode, _, size, rest = split_step(value)
    data = ws.pack(payload(rest)) if packed else payload(rest)
    step = size or max(len(data), 1)
    cuts = range(0, max(len(data), 1), step)
    return b"".join(ws.frame(ws.Op.CONTINUATION if at else opcode, data[at:at + step],
                             fin=at == cuts[-1], rsv=4 if packed and at == 0 else 0)
                    for at in cuts)


def get(value):
    opcode, _, _, rest = split_step(value)
    if opcode == ws.Op.CLOSE:
        code, reason = CLOSE.fullmatch(rest).groups() if rest else (None, None)
        return opcode, ws.close_payload(code and int(code)) + payload(reason or "")
    return opcode, payload(rest)


def read_case(block):
    case, times = None, 1
    for line in block.splitlines():
        key, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if key == "case":
            case = Case(value)
        elif key in ("offer", "agreed"):
            setattr(case, key, value)
        elif key == "max-message":
            case.bound = int(value)
        elif key == "told":
            case.told = int(value)
        elif key == "times":
            times = int(value)
            continue
        elif key == "get":
            case.expected += [get(value)] * times
        elif key == "raw":
            case.input += payload(value) * times
            case.whole = False
        elif key == "send":
            case.input += send(value) * times
        else:
            case.input += pieces(value, {"pieces": False, "deflate": True}[key]) * times
        times = 1
    return case


def read_cases():
    for path in sorted((harness.TOP / "tests/ws").glob("*.txt")):
        text = re.sub(r"^#.*\n", "", path.read_text(encoding="latin-1"), flags=re.M)
        for block in re.split(r"\n\n+", text.strip("\n")):
            case = read_case(block)
            if case.bound > 0:  # not to be configured
                yield pytest.param(case, id=case.name)


def replies(case, conversation, lax):
    """What comes back, as far as the case expects something; lax: but for messages."""
    count = sum(not lax or opcode >= ws.Op.CLOSE for opcode, _ in case.expected)
    while count > 0:
        found = conversation.read()
        if not lax or found.opcode >= ws.Op.CLOSE:
            count -= 1
            yield found.opcode, found.payload


def run(case, conversation, isolation):
    agreed = conversation.reply.header("sec-websocket-extensions") or ""
    if case.agreed is not None:
        assert agreed == case.agreed
    if found := WINDOW.search(agreed):
        conversation.window_bits = int(found[1])
    # A client that breaks a rule in the same breath need not be given what a handler in
    # another process says in answer to what was before: Autobahn calls that not strict.
    lax = case.told in BROKEN and isolation == "host"
    conversation.send(case.input)
    assert list(replies(case, conversation, lax)) == [
        x for x in case.expected if not lax or x[0] >= ws.Op.CLOSE]
    if not case.whole and not case.told:
        return
    if not case.told:
        conversation.close(1000)
        assert conversation.read_close() == 1000
    assert conversation.wait_end()


class Ways:
    """Servers whose echo handler runs there, one for each bound of a message, and how to
    reach them: over HTTP/2 all WebSockets share a connection."""

    def __init__(self, isolation, start, stack):
        self.isolation = isolation
        self.start = start
        self.stack = stack
        self.servers = {}
        self.connections = {}

    def server(self, bound):
        if bound not in self.servers:
            self.servers[bound] = self.start(bound)
            self.stack.callback(self.servers[bound].stop)
        return self.servers[bound]

    def open(self, carrier, bound, *fields):
        server = self.server(bound)
        if carrier == "h1":
            return ws.open_h1(server, "/echo", *fields)
        if bound not in self.connections or self.connections[bound].goaway:
            self.connections[bound] = self.stack.enter_context(h2.connect(server))
        return ws.open_h2(server, "/echo", *fields, connection=self.connections[bound])


@pytest.fixture(scope="module", params=["host", "worker"])
def ways(tmp_path_factory, certificates, make_config, request):
    def start(bound):
        echo = {"isolation": request.param, "max_message_bytes": bound}
        return harness.Server(tmp_path_factory.mktemp("server"), make_config(
            handlers={"echo": echo}, workers=1), certificates)

    with contextlib.ExitStack() as stack:
        yield Ways(request.param, start, stack)


# What does not fit into a host's window is lost when the client does not wait. Autobahn
# leaves the outcome to the implementation.
LONG = "7.1.6 echoes a long message before the close frame"


@pytest.mark.parametrize("carrier", ["h1", "h2"])
@pytest.mark.parametrize("case", read_cases())
def test_case(ways, case, carrier):
    if ways.isolation == "host" and case.name == LONG:
        pytest.skip("a host sends no more ahead than its window")
    fields = [f"Sec-WebSocket-Extensions: {case.offer}"] if case.offer else []
    with ways.open(carrier, case.bound, *fields) as conversation:
        run(case, conversation, ways.isolation)
