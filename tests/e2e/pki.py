# SPDX-License-Identifier: MIT
"""Certificates of clients, and who issues and revokes them: made by openssl ca."""

import dataclasses
import datetime
import pathlib
import subprocess

CONFIG = """
[ca]
default_ca = own
[own]
dir = .
database = index.txt
serial = serial
new_certs_dir = .
certificate = ca.crt
private_key = ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = anything
unique_subject = no
copy_extensions = none
[anything]
countryName = optional
organizationName = optional
commonName = optional
[client]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = clientAuth
[server]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
"""


def openssl(*arguments, folder):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def moment(days):
    """That many days from now, as openssl ca writes it."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now + datetime.timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")


@dataclasses.dataclass
class Pair:
    """A certificate, what is sent with it, and its key: paths."""
    chain: pathlib.Path
    key: pathlib.Path


class Authority:
    """One that issues, in a folder of its own; the root, or below another."""

    def __init__(self, folder, name, above=None):
        self.name = name
        self.folder = folder / name
        self.folder.mkdir()
        (self.folder / "openssl.cnf").write_text(CONFIG)
        (self.folder / "index.txt").write_text("")
        (self.folder / "serial").write_text("1000\n")
        self.sent = ""  # behind what it issues
        if above is None:
            openssl("req", "-x509", "-config", "openssl.cnf", "-extensions", "authority",
                    *self.new_key("ca"), "-subj", f"/O=Test/CN={name}", "-days", "30",
                    "-out", "ca.crt", folder=self.folder)
        else:
            pair = above.issue(name, kind="authority")
            (self.folder / "ca.key").write_bytes(pair.key.read_bytes())
            self.sent = pair.chain.read_text()
            (self.folder / "ca.crt").write_text(self.sent)

    @staticmethod
    def new_key(stem):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
                "-keyout", f"{stem}.key"]

    @property
    def text(self):
        return (self.folder / "ca.crt").read_text()

    def issue(self, stem, subject=None, sans=None, days=(-1, 30), kind="client"):
        """A certificate, with the intermediate ones behind it."""
        names = f"\nsubjectAltName = {sans}\n" if sans else ""
        (self.folder / "extensions").write_text(
            CONFIG.replace(f"[{kind}]\n", f"[{kind}]{names}\n"))
        openssl("req", "-new", "-config", "openssl.cnf", *self.new_key(stem), "-subj",
                subject or f"/O=Test/CN={stem}", "-utf8", "-out", f"{stem}.csr",
                folder=self.folder)
        openssl("ca", "-batch", "-config", "openssl.cnf", "-extfile", "extensions",
                "-extensions", kind, "-notext", "-startdate", moment(days[0]),
                "-enddate", moment(days[1]), "-in", f"{stem}.csr", "-out", f"{stem}.crt",
                folder=self.folder)
        chain = self.folder / f"{stem}.crt"
        chain.write_text(chain.read_text() + self.sent)
        return Pair(chain, self.folder / f"{stem}.key")

    def self_signed(self, stem):
        """One that nobody has issued."""
        openssl("req", "-x509", "-config", "openssl.cnf", "-extensions", "client",
                *self.new_key(stem), "-subj", f"/CN={stem}", "-days", "30", "-out",
                f"{stem}.crt", folder=self.folder)
        return Pair(self.folder / f"{stem}.crt", self.folder / f"{stem}.key")

    def revoke(self, pair):
        openssl("ca", "-config", "openssl.cnf", "-revoke", pair.chain, folder=self.folder)

    def crl(self, days=(-1, 30)):
        """What it has revoked so far, as PEM."""
        openssl("ca", "-config", "openssl.cnf", "-gencrl", "-crl_lastupdate",
                moment(days[0]), "-crl_nextupdate", moment(days[1]), "-out", "crl.pem",
                folder=self.folder)
        return (self.folder / "crl.pem").read_text()
