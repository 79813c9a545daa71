# SPDX-License-Identifier: MIT
"""People in a room of the chat handler, each kind with the client that it would have, and
which worker they are connected to."""

import asyncio
import json
import os
import pathlib
import re
import socket
import subprocess

import websockets

import harness


class Terminal(harness.Client):
    """What openssl s_client is, but for the person in front of it."""

    def __init__(self, server, name=None, receive_bytes=None):
        context = server.context()
        context.set_alpn_protocols(["tincan-chat"])
        sock = socket.socket()
        if receive_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        sock.connect((server.host, server.port))
        super().__init__(context.wrap_socket(sock, server_hostname="localhost"))
        self.name = name
        self.port = self.sock.getsockname()[1]
        if name:
            self.say(name)
            self.until(rf"\({name} is here, .*\)")

    def say(self, *lines):
        self.send("".join(line + "\n" for line in lines))

    def line(self):
        while b"\n" not in self.data:
            assert self.receive(), f"hung up after {bytes(self.data)!r}"
        return self.read(self.data.index(b"\n") + 1)[:-1].decode()

    def until(self, pattern):
        """The next line that is all like the pattern."""
        while not re.fullmatch(pattern, line := self.line()):
            pass
        return line


class Web:
    """What the page is: a WebSocket; ask() is for what comes over it."""

    loop = None

    def __init__(self, server, name=None):
        if Web.loop is None:
            Web.loop = asyncio.new_event_loop()

        async def connect():
            return await websockets.connect(
                f"wss://localhost:{server.port}/chat", ssl=server.context(),
                host=server.host, ping_interval=None)

        self.name = name
        self.people = 0
        self.socket = self.wait(connect())
        self.port = self.socket.local_address[1]
        if name:
            self.say(name)
            self.until(note=re.compile(f"{name} is here, .*"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wait(self.socket.close())

    def wait(self, doing):
        return Web.loop.run_until_complete(asyncio.wait_for(doing, harness.DEADLINE))

    def say(self, *lines):
        for line in lines:
            self.wait(self.socket.send(line))

    def message(self):
        message = json.loads(self.wait(self.socket.recv()))
        self.people = message.get("people", self.people)
        return message

    def until_people(self, count):
        """Until the page would show that as many are here."""
        while self.people != count:
            self.message()

    @staticmethod
    def _fits(message, wanted):
        return all(re.fullmatch(value, message.get(key, ""))
                   if isinstance(value, re.Pattern) else message.get(key) == value
                   for key, value in wanted.items())

    def until(self, **wanted):
        """The next message with these members, which may be patterns."""
        while not self._fits(message := self.message(), wanted):
            pass
        return message

    def heard(self, **wanted):
        """Does such a message come soon?"""
        async def soon():
            return json.loads(await asyncio.wait_for(self.socket.recv(), 0.1))

        try:
            while message := self.wait(soon()):
                if self._fits(message, wanted):
                    return True
        except asyncio.TimeoutError:
            return False

    def code(self):
        """How the server hung up."""
        self.wait(self.socket.wait_closed())
        return self.socket.close_code


class SClient:
    """openssl s_client, as the README has it."""

    def __init__(self, server, *arguments, port=None):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-quiet", *arguments, "-CAfile",
             server.certificates / "ca.crt", "-connect",
             f"localhost:{port or server.port}"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.said = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def until(self, text):
        """Reads until the text is there; it is what stands on the screen before it."""
        while text.encode() not in self.said:
            data = self.process.stdout.read1()
            assert data, f"no '{text}' in {self.said!r}"
            self.said += data
        before, _, self.said = self.said.partition(text.encode())
        return before.decode()


def connections(port_column, port):
    """Of the sockets whose local (0) or remote (1) port is that: the other port, by what
    a descriptor of the socket is called."""
    found = {}
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        ports = [int(x.rsplit(":", 1)[1], 16) for x in fields[1:3]]
        if ports[port_column] == port:
            found[f"socket:[{fields[9]}]"] = ports[1 - port_column]
    return found


def descriptors(pid):
    """What the descriptors of a process are called."""
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            yield os.readlink(entry)
        except FileNotFoundError:
            continue  # closed meanwhile


def workers_of_ports(server):
    """Which worker has which connection, by the client's port."""
    ports = connections(0, server.port)
    return {ports[name]: worker for worker in server.workers
            for name in descriptors(worker) if name in ports}


def worker_of_client(server, pid):
    """Which worker a client's process is connected to."""
    ports = connections(1, server.port)
    port, = (ports[name] for name in descriptors(pid) if name in ports)
    return workers_of_ports(server)[port]


def fill_workers(server, people, make):
    """Adds people, made by make(number), until each worker has one of them."""
    while len({workers_of_ports(server)[x.port] for x in people}) < len(server.workers):
        assert len(people) < 60
        people.append(make(len(people)))
