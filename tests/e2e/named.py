# SPDX-License-Identifier: MIT
"""Clients that ask a server for names, and certificates for those names."""

import ssl
import subprocess

import h2
import harness


class Certificates:
    """Self-signed ones, in a folder, and one file of all that clients trust."""

    def __init__(self, folder):
        self.folder = folder / "certificates"
        self.folder.mkdir()
        self.trusted = self.folder / "trusted.pem"
        self.trusted.write_bytes(b"")
        self.count = 0

    def make(self, names, kind="ec", days=90, stem=None):
        """One for these names, as server.json has it."""
        self.count += 1
        stem = self.folder / (stem or f"{self.count}")
        options = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
                   "p384": ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
                   "rsa": ["rsa:2048"], "ed25519": ["ed25519"]}[kind]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", *options, "-noenc", "-days", str(days),
             "-subj", f"/CN={self.count}", "-addext",
             "subjectAltName=" + ",".join(f"DNS:{name}" for name in names),
             "-keyout", f"{stem}.key", "-out", f"{stem}.crt"],
            check=True, stderr=subprocess.DEVNULL)
        with open(self.trusted, "ab") as trusted, open(f"{stem}.crt", "rb") as own:
            trusted.write(own.read())
        return {"chain": f"{stem}.crt", "key": f"{stem}.key"}


def context(server, protocol="http/1.1"):
    """Trusts the server's certificates; names are checked by who asks for them."""
    made = ssl.create_default_context(cafile=server.certificates / "ca.crt")
    if hasattr(server, "chains"):
        made.load_verify_locations(server.chains.trusted)
    made.check_hostname = False
    made.set_alpn_protocols([protocol])
    return made


def connect(server, sni, protocol="http/1.1", session=None, made=None):
    """A client on a TLS connection to that name; None: to no name."""
    made = made or context(server, protocol)
    return harness.Client(made.wrap_socket(server.tcp(), server_hostname=sni,
                                           session=session))


def ask_on(client, protocol, authority, path="/who", method="GET"):
    """A request for that authority on a connection that there is; for HTTP/2 it is the
    h2.Connection."""
    if protocol == "h2":
        block = b"".join(h2.literal(*field) for field in (
            (":method", method), (":scheme", "https"), (":authority", authority),
            (":path", path)))
        return client.reply(client.start(method, path, block=block))
    client.send(f"{method} {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n")
    return client.read_reply(method)


def ask(server, protocol, sni, authority, path="/who", method="GET"):
    with connect(server, sni, protocol) as client:
        if protocol == "h2":
            client = h2.Connection(client).handshake()
        return ask_on(client, protocol, authority, path, method)
