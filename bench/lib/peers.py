# SPDX-License-Identifier: MIT
"""The servers that are compared, each set up for the same work: one worker on core 0, no
access log, the same certificate, TLS 1.3, long keep-alive, a small text at /small, a file
of 1 MiB at /big; where a server can without a backend, uploads thrown away at /upload."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import harness

PIN = ("taskset", "-c", "0")
DEADLINE_S = 20
SMALL = "Hello, you!\n"
os.environ["PATH"] += ":/usr/sbin"


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Site:
    """What they all serve, and with which keys."""

    def __init__(self, folder):
        self.folder = folder
        self.root = folder / "www"
        self.root.mkdir()
        (self.root / "small").write_text(SMALL)
        (self.root / "big").write_bytes(os.urandom(1 << 20))
        subprocess.run([harness.TOP / "certs/make-dev-certs", folder / "certs"],
                       check=True, stdout=subprocess.DEVNULL)
        self.certificates = folder / "certs"
        self._make_rsa()

    def _make_rsa(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30",
             "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", self.certificates / "rsa.key",
             "-out", self.certificates / "rsa.crt"],
            check=True, stderr=subprocess.DEVNULL)

    def pair(self, kind):
        """Chain and key, of "ecdsa" or "rsa"."""
        name = "rsa" if kind == "rsa" else "localhost"
        return self.certificates / f"{name}.crt", self.certificates / f"{name}.key"


class Peer:
    """A server other than ours, in a process group and a folder of its own."""

    name = program = ""
    can = {"small", "big", "h2", "idle"}  # what of the work it can do
    modules = ()
    reload_signal = None
    version_flag = "-v"

    def __init__(self, site, folder, kind="ecdsa", routes=0):
        self.site, self.folder, self.kind, self.routes = site, folder, kind, routes
        folder.mkdir()
        self.port = free_port()
        self.chain, self.key = site.pair(kind)
        self.pem = folder / "pair.pem"
        self.pem.write_text(self.chain.read_text() + self.key.read_text())
        self.process = subprocess.Popen(
            [*PIN, shutil.which(self.program), *self.arguments()], cwd=folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=(folder / "error.log").open("w"), process_group=0)
        self._wait()

    @classmethod
    def missing(cls):
        """The Debian packages to install, or None."""
        there = shutil.which(cls.program) and all(
            pathlib.Path(path).exists() for path in cls.modules)
        return None if there else cls.package

    @classmethod
    def version(cls):
        said = subprocess.run([cls.program, cls.version_flag], capture_output=True,
                              text=True, check=False)
        return re.search(r"\d+\.\d+\.\d+", said.stdout + said.stderr).group()

    def _wait(self):
        end = time.monotonic() + DEADLINE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{self.name} did not start:\n" + (
                        self.folder / "error.log").read_text()) from None
                time.sleep(0.05)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path

    @property
    def pids(self):
        return harness.group_processes(self.process.pid)

    def reload(self):
        os.kill(self.process.pid, self.reload_signal)

    def stop(self):
        """In order, so that it cleans up; what is left is ended."""
        self.process.terminate()
        try:
            self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)

    def route_lines(self, line):
        """A line of configuration for each route: {i} is its number, {text} what to
        reply, {root} the folder of files."""
        text = SMALL.strip() + "\\n"
        return "\n".join(line.format(i=i, text=text, root=self.site.root)
                         for i in range(self.routes))


class Nginx(Peer):
    name = program = package = "nginx"
    can = Peer.can | {"upload", "routes", "reload"}
    reload_signal = signal.SIGHUP

    def arguments(self):
        routes = self.route_lines('location /r{i}/ {{ return 200 "{text}"; }}')
        return "-p", self.folder, "-e", "stderr", "-c", self.write("nginx.conf", f"""
user root;
daemon off;
worker_processes 1;
worker_rlimit_nofile 19000;
pid nginx.pid;
error_log stderr error;
events {{ worker_connections 19000; }}
http {{
	access_log off;
	types {{ text/plain txt; }}
	default_type text/plain;
	sendfile on;
	keepalive_timeout 600s;
	keepalive_requests 1000000000;
	client_max_body_size 2m;
	ssl_certificate {self.chain};
	ssl_certificate_key {self.key};
	ssl_protocols TLSv1.2 TLSv1.3;
	ssl_session_tickets on;
	server {{
		listen 127.0.0.1:{self.port} ssl http2 reuseport;
		root {self.site.root};
		location = /small {{ return 200 "{SMALL.strip()}\\n"; }}
		location = /upload {{ return 200 "taken\\n"; }}
		{routes}
	}}
}}
""")


class H2o(Peer):
    name = program = package = "h2o"
    can = Peer.can | {"routes"}

    def arguments(self):
        return "-c", self.write("h2o.conf", f"""
user: root
num-threads: 1
max-connections: 18000
http1-request-timeout: 600
http2-idle-timeout: 600
listen:
  host: 127.0.0.1
  port: {self.port}
  ssl:
    certificate-file: {self.chain}
    key-file: {self.key}
hosts:
  default:
    paths:
      /:
        file.dir: {self.site.root}
        file.etag: off
{self.route_lines("      /r{i}/: {{ file.dir: {root}, file.etag: off }}")}
""")


class Lighttpd(Peer):
    name = program = "lighttpd"
    package = "lighttpd lighttpd-mod-openssl"
    modules = ("/usr/lib/lighttpd/mod_openssl.so",)

    def arguments(self):
        return "-D", "-f", self.write("lighttpd.conf", f"""
server.modules = ("mod_openssl")
server.document-root = "{self.site.root}"
server.bind = "127.0.0.1"
server.port = {self.port}
server.max-fds = 19000
server.max-connections = 18000
server.max-keep-alive-requests = 1000000000
server.max-keep-alive-idle = 600
server.feature-flags = ("server.h2proto" => "enable")
mimetype.assign = ("" => "text/plain")
ssl.engine = "enable"
ssl.pemfile = "{self.chain}"
ssl.privkey = "{self.key}"
""")


class Haproxy(Peer):
    name = program = package = "haproxy"
    can = {"small", "h2", "idle", "reload", "routes"}
    reload_signal = signal.SIGUSR2

    def arguments(self):
        paths = self.write("paths", "/small\n" + self.route_lines("/r{i}/"))
        return "-W", "-f", self.write("haproxy.cfg", f"""
global
	nbthread 1
	maxconn 9800
	tune.bufsize 16384
defaults
	mode http
	timeout client 600s
	timeout server 600s
	timeout connect 5s
	timeout http-keep-alive 600s
frontend all
	bind 127.0.0.1:{self.port} ssl crt {self.pem} alpn h2,http/1.1
	acl known path_beg -f {paths}
	http-request return status 404 unless known
	http-request return status 200 content-type text/plain string "{SMALL.strip()}\\n"
""")


class Apache(Peer):
    name = "apache"
    program, package = "apache2", "apache2-bin"
    can = Peer.can | {"reload", "routes"}
    reload_signal = signal.SIGUSR1

    def arguments(self):
        modules = "/usr/lib/apache2/modules"
        loads = "\n".join(f"LoadModule {name}_module {modules}/mod_{name}.so" for name in
                          ("mpm_event", "authz_core", "ssl", "http2", "mime", "alias"))
        return "-DFOREGROUND", "-f", self.write("apache.conf", f"""
{loads}
ServerName localhost
ServerRoot {self.folder}
DefaultRuntimeDir {self.folder}
PidFile {self.folder}/apache.pid
ErrorLog {self.folder}/error.log
Listen 127.0.0.1:{self.port}
StartServers 1
ServerLimit 2
ThreadsPerChild 64
ThreadLimit 64
MinSpareThreads 1
MaxSpareThreads 128
MaxRequestWorkers 128
AsyncRequestWorkerFactor 200
KeepAliveTimeout 600
MaxKeepAliveRequests 0
Protocols h2 http/1.1
TypesConfig /dev/null
DocumentRoot {self.site.root}
FileETag None
SSLEngine on
SSLCertificateFile {self.chain}
SSLCertificateKeyFile {self.key}
SSLSessionTickets on
SSLSessionCache none
{self.route_lines("Alias /r{i}/ {root}/")}
""")


class Tincan:
    """Ours: isolation "worker" has the handlers in the worker, "host" in processes."""

    can = {"small", "big", "h2", "idle", "upload", "routes", "reload"}
    isolation = "worker"
    name = "tincan"

    def __init__(self, site, folder, kind="ecdsa", routes=0):
        self.site, self.folder, self.kind = site, folder, kind
        folder.mkdir()
        chain, key = site.pair(kind)
        handlers = "small", "files", "taker"
        plugins = folder / "plugins"
        plugins.mkdir()
        for path in "plugins/files.so", "bench/small.so", "bench/taker.so":
            shutil.copy(harness.BUILD / path, plugins)
        self.server = harness.Server(folder, {
            "listeners": [{"address": "127.0.0.1:0"}],
            "certificates": [{"chain": str(chain), "key": str(key)}],
            "plugins": {"directory": "plugins", "serve_unrouted": False},
            "handlers": {name: {"isolation": self.isolation} for name in handlers},
            "routes": [
                {"path": "/small", "handler": "small"},
                {"path": "/upload", "handler": "taker"},
                {"path": "/*", "handler": "files", "settings": {"root": str(site.root)}},
                *({"path": f"/r{i}/*", "handler": "small"} for i in range(routes))],
            "limits": {"max_connections": 18000, "max_connections_per_address": 0,
                       "max_body_bytes": 2 << 20},
            "timeouts": {"idle_ms": 600000},
            "log": {"access": "off", "error": "-"},
            "workers": 1}, site.certificates, prefix=PIN)
        self.port = self.server.port

    @classmethod
    def missing(cls):
        gone = [name for name in ("tincan", "tincan-host", "tincan-keeper",
                                  "plugins/files.so", "bench/small.so",
                                  "bench/taker.so", "bench/connect", "bench/load")
                if not (harness.BUILD / name).exists()]
        return f"make all bench  # {' '.join(gone)}" if gone else None

    @classmethod
    def version(cls):
        said = subprocess.run([harness.TINCAN, "--version"], capture_output=True,
                              text=True, check=True).stdout
        return said.split()[1]

    @property
    def pids(self):
        return harness.group_processes(self.server.pid)

    def reload(self):
        subprocess.run([harness.TINCAN, "reload", "--config", self.server.config],
                       check=True, stdout=subprocess.DEVNULL)

    def stop(self):
        self.server.stop()


class TincanIsolated(Tincan):
    isolation = "host"
    name = "tincan isolated"


ALL = (Tincan, TincanIsolated, Nginx, H2o, Lighttpd, Haproxy, Apache)
