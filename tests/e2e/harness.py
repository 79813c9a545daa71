# SPDX-License-Identifier: MIT
"""The real server and real clients, for the end-to-end tests.

Server runs one tincan in a folder of its own and holds it to its promises when it stops:
the exit status, no word of a sanitizer, no process left. Client speaks HTTP over a TLS
socket, byte by byte where a test wants it so. Everything that waits has a deadline.
"""

import dataclasses
import fcntl
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import struct
import subprocess
import termios
import threading
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("TINCAN_BUILD", ".")).resolve()
TINCAN = BUILD / "tincan"
PLUGINS = BUILD / "plugins"
SANITIZED = any(x in TINCAN.read_bytes() for x in (b"__asan_init", b"__tsan_init"))
DEADLINE = 30  # seconds that no event may take, even with sanitizers on a busy machine

LISTENING = re.compile(r"listening on https://(\S+):(\d+)")
# A sanitizer does not know the stacks of libcrypto's jobs, and says so.
FIBRES = re.compile(r"WARNING: ASan is ignoring requested __asan_handle_no_return|"
                    r"^False positive error reports may follow$|"
                    r"^For details see https://github.com/google/sanitizers/issues/189$")
SANITIZER = re.compile(r"\w*Sanitizer\b|runtime error:")


def wait_for(happened, what):
    """Calls happened() until it gives something true, and returns that."""
    end = time.monotonic() + DEADLINE
    while True:
        result = happened()
        if result:
            return result
        assert time.monotonic() < end, f"waited {DEADLINE} s for {what}"
        time.sleep(0.01)


def group_processes(leader):
    """The processes of the group or session that leader leads, but zombies."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            text = pathlib.Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            continue  # it has just ended
        state, _, *ids = text.rpartition(")")[2].split()[:4]
        if str(leader) in ids and state != "Z":
            found.append(int(pid))
    return found


def children(pid):
    text = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def command(pid):
    """The command line of a process; one empty word if it has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return [""]


def name(pid):
    """What a process calls itself; nothing if it has ended."""
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


@dataclasses.dataclass
class Reply:
    status: int
    version: str
    reason: str
    fields: list  # of (name, value), names in lower case
    body: bytes = b""
    trailers: list = dataclasses.field(default_factory=list)

    def header(self, name):
        """The value of the only field of that name, or None."""
        values = [value for field, value in self.fields if field == name]
        assert len(values) <= 1, f"{name} is there {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """An HTTP client that does what it is told, on a socket that is connected."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(DEADLINE)
        self.data = bytearray()  # received, not yet read

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def receive(self):
        """More bytes into self.data; False at the end."""
        data = self.sock.recv(65536)
        self.data += data
        return bool(data)

    def read(self, size):
        while len(self.data) < size:
            assert self.receive(), f"the connection ended {len(self.data)} bytes on"
        data = bytes(self.data[:size])
        del self.data[:size]
        return data

    def read_line(self):
        while b"\r\n" not in self.data:
            assert self.receive(), f"the connection ended in a line: {self.data!r}"
        return self.read(self.data.index(b"\r\n") + 2)[:-2].decode("latin-1")

    def read_to_end(self):
        while self.receive():
            pass
        return self.read(len(self.data))

    def read_fields(self):
        fields = []
        while line := self.read_line():
            name, value = line.split(":", 1)
            fields.append((name.lower(), value.strip()))
        return fields

    def read_head(self):
        version, status, reason = (self.read_line() + " ").split(" ", 2)
        return Reply(int(status), version, reason.strip(), self.read_fields())

    def read_chunks(self, reply):
        while size := int(self.read_line(), 16):
            reply.body += self.read(size)
            assert self.read(2) == b"\r\n"
        reply.trailers = self.read_fields()

    def read_reply(self, method="GET"):
        reply = self.read_head()
        length = reply.header("content-length")
        if method == "HEAD" or reply.status < 200 or reply.status in (204, 304):
            return reply
        if reply.header("transfer-encoding") == "chunked":
            self.read_chunks(reply)
        elif length is not None:
            reply.body = self.read(int(length))
        else:
            reply.body = self.read_to_end()
        return reply

    def start(self, method, target, *fields):
        """Sends the header of a request."""
        lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *fields]
        self.send("".join(line + "\r\n" for line in lines) + "\r\n")

    def request(self, method, target, *fields, body=None):
        """One request and its reply; fields are "Name: value"."""
        if body is not None:
            fields = (*fields, f"Content-Length: {len(body)}")
        self.start(method, target, *fields)
        if body is not None:
            self.send(body)
        return self.read_reply(method)

    def get(self, target, *fields):
        return self.request("GET", target, *fields)

    def ended(self):
        """Waits for the server's end; False if it says something instead."""
        try:
            return not self.data and not self.receive()
        except ConnectionResetError:
            return True


class Server:
    """One running tincan; config is written to its folder first."""

    def __init__(self, folder, config, certificates, prefix=(), preexec_fn=None,
                 stdout=subprocess.DEVNULL, program=TINCAN):
        self.folder = pathlib.Path(folder)
        self.certificates = certificates
        self.config = self.folder / "server.json"
        self.config.write_text(json.dumps(config, indent=2))
        self.access_path = self.folder / "access.log"
        self.lines = []
        self.news = threading.Condition()
        self.stopped = False
        self.expected_reports = None  # what a sanitizer may say, as its plugins do it
        # No session of its own: kernels that weigh CPU time by session may give nothing
        # to some of many for half a minute.
        self.process = subprocess.Popen(
            [*prefix, program, "--config", self.config], cwd=self.folder,
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
            process_group=0, preexec_fn=preexec_fn, text=True, errors="replace")
        self.reader = threading.Thread(target=self._read_log, daemon=True)
        self.reader.start()
        try:
            found = LISTENING.search(self.wait_log(LISTENING.pattern))
        except BaseException:
            self.kill()
            raise
        self.host, self.port = found.group(1), int(found.group(2))

    @property
    def pid(self):
        return self.process.pid

    @property
    def workers(self):
        return [pid for pid in children(self.pid) if name(pid) == "tincan-worker"]

    def hosts(self, handler):
        """The processes that run that handler, one per worker; not its probes."""
        return [pid for pid in children(self.pid)
                if command(pid)[:3] == ["tincan-host", "--board", handler]]

    @property
    def log(self):
        """The error log so far, as one text."""
        with self.news:
            return "".join(self.lines)

    def _read_log(self):
        for line in self.process.stderr:
            if SANITIZED and FIBRES.search(line):
                continue
            with self.news:
                self.lines.append(line)
                self.news.notify_all()
        with self.news:
            self.lines.append("")  # the end: whoever waits looks once more
            self.news.notify_all()

    def await_quiet(self):
        """Waits until the log's pipe is empty: what does not fit into it is lost."""
        def left():
            return struct.unpack("i", fcntl.ioctl(self.process.stderr, termios.FIONREAD,
                                                  bytes(4)))[0]

        wait_for(lambda: left() == 0, "an empty pipe of the log")

    def wait_log(self, pattern, after=0):
        """The first line of the error log that has pattern, from line after on."""
        def find():
            return next((x for x in self.lines[after:] if re.search(pattern, x)), None)

        with self.news:
            self.news.wait_for(
                lambda: find() or self.lines and self.lines[-1] == "", DEADLINE)
            line = find()
        assert line, f"no '{pattern}' in the log:\n{self.log}"
        return line

    def access_lines(self, matching=lambda line: True):
        try:
            text = self.access_path.read_text()
        except FileNotFoundError:
            return []
        whole = text[:text.rfind("\n") + 1]
        return [x for x in map(json.loads, whole.splitlines()) if matching(x)]

    def wait_access(self, target):
        """The access log's line of that target, once it is there."""
        return wait_for(lambda: self.access_lines(lambda line: line["target"] == target),
                        f"the access line of {target}")[0]

    def tcp(self):
        sock = socket.create_connection((self.host, self.port), DEADLINE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def context(self):
        return ssl.create_default_context(cafile=self.certificates / "ca.crt")

    def connect(self, context=None, session=None):
        """A client on a new TLS connection."""
        context = context or self.context()
        return Client(context.wrap_socket(
            self.tcp(), server_hostname="localhost", session=session))

    def request(self, method, target, *fields, body=None):
        """One request on a connection of its own."""
        with self.connect() as client:
            return client.request(method, target, *fields, body=body)

    def get(self, target, *fields):
        return self.request("GET", target, *fields)

    def url(self, target):
        return f"https://localhost:{self.port}{target}"

    def curl(self, target, *arguments):
        """What curl prints, as bytes."""
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--noproxy", "*", "--cacert",
             self.certificates / "ca.crt", "--resolve",
             f"localhost:{self.port}:{self.host}", *arguments, self.url(target)],
            stdout=subprocess.PIPE, timeout=DEADLINE, check=True)
        return done.stdout

    def s_client(self, *arguments, text="", check=False):
        """openssl s_client, its input and what it says on both of its outputs."""
        done = subprocess.run(
            ["openssl", "s_client", "-connect", f"{self.host}:{self.port}", "-servername",
             "localhost", "-CAfile", self.certificates / "ca.crt", *arguments],
            input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", timeout=DEADLINE, check=check)
        return done.stdout

    def renew(self, handler):
        """A reload after which the handler's route is another one, with a new instance
        behind it."""
        config = json.loads(self.config.read_text())
        config["routes"] = config["routes"] or [
            {"path": f"/{handler}/*", "handler": handler}]
        for route in config["routes"]:
            route["methods"] = ["GET", "POST"]
        self.config.write_text(json.dumps(config))
        done = tincan("reload", "--config", self.config)
        assert done.returncode == 0, done.stderr

    def signal(self, number):
        self.process.send_signal(number)

    def wait_exit(self):
        """Waits for the end; the exit status."""
        status = self.process.wait(DEADLINE)
        self.reader.join(DEADLINE)
        self.process.stderr.close()
        self.stopped = True
        return status

    def stop(self, status=0):
        """SIGTERM, and what must be true of every server that ends."""
        if not self.stopped:
            self.signal(signal.SIGTERM)
            try:
                found = self.wait_exit()
            except BaseException:
                self.kill()
                raise
            assert found == status, f"exit status {found}:\n{self.log}"
        self.check_clean()

    def check_clean(self):
        # Who is killed while a sanitizer looks for its leaks leaves the process that does
        # so, for a moment.
        end = time.monotonic() + (DEADLINE if SANITIZED else 0)
        while (left := group_processes(self.pid)) and time.monotonic() < end:
            time.sleep(0.01)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        assert not left, f"processes {left} are left behind"
        reports = [line for line in self.log.splitlines() if SANITIZER.search(line)]
        if self.expected_reports:
            reports = [x for x in reports if not re.search(self.expected_reports, x)]
        assert not reports, self.log

    def kill(self):
        for pid in group_processes(self.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.wait_exit()


def tincan(*arguments, folder=None, **options):
    """Runs tincan to its end: the completed process, with its two outputs as text."""
    done = subprocess.run([TINCAN, *arguments], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=DEADLINE, **options)
    assert not SANITIZER.search(done.stderr), done.stderr
    return done
