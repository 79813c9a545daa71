# SPDX-License-Identifier: MIT
"""The clients that people have, OpenSSL's, GnuTLS's and curl: each version of TLS with
each kind of key, in a session that begins and one that goes on, and for a name that the
server knows, one that it does not, and none.
"""

import re
import subprocess

import pytest

import harness
import named
from test_renewal import host

KINDS = "ec", "p384", "rsa", "ed25519"
VERSIONS = "1.2", "1.3"
REQUEST = "GET /echo HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def shop(tmp_path_factory, make_config, certificates):
    """A server with a host for each kind of key; the default one is of ECDSA."""
    folder = tmp_path_factory.mktemp("shop")
    chains = named.Certificates(folder)
    echo = {"path": "/echo", "handler": "echo"}
    server = harness.Server(folder, make_config(
        certificates=[chains.make(["default.test"])], routes=[echo],
        hosts=[{**host([f"{kind}.test"], chains.make([f"{kind}.test"], kind)),
                "routes": [echo]} for kind in KINDS]), certificates)
    server.chains = chains
    yield server
    server.stop()


def run(*command, text=""):
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace",
                          timeout=harness.DEADLINE, check=False)
    return done.stdout


class OpenSSL:
    """Each says what its client is told for a name that it asks for, "" for none, and
    one that the certificate must have."""

    @staticmethod
    def ask(shop, version, sni, expected, *options):
        name = ["-servername", sni] if sni else ["-noservername"]
        return run("openssl", "s_client", "-connect", f"{shop.host}:{shop.port}", *name,
                   "-tls" + version.replace(".", "_"), "-CAfile", shop.chains.trusted,
                   "-verify_hostname", expected, "-verify_return_error", "-ign_eof",
                   *options, text=REQUEST.format(name=expected))

    @staticmethod
    def resume(shop, version, sni, folder):
        first = OpenSSL.ask(shop, version, sni, sni, "-sess_out", folder / "session")
        assert f"New, TLSv{version}" in first
        second = OpenSSL.ask(shop, version, sni, sni, "-sess_in", folder / "session")
        assert f"Reused, TLSv{version}" in second
        return second


class GnuTLS:
    @staticmethod
    def ask(shop, version, sni, expected, *options):
        name = ["--sni-hostname", sni] if sni else ["--disable-sni"]
        return run("gnutls-cli", "--x509cafile", shop.chains.trusted, *name,
                   "--verify-hostname", expected, "--priority",
                   f"NORMAL:-VERS-ALL:+VERS-TLS{version}", *options, "-p",
                   str(shop.port), shop.host, text=REQUEST.format(name=expected))

    @staticmethod
    def resume(shop, version, sni, _folder):
        said = GnuTLS.ask(shop, version, sni, sni, "--resume", "--waitresumption")
        assert "*** This is a resumed session" in said
        return said


class Curl:
    @staticmethod
    def ask(shop, version, sni, expected, *more):
        # An address is no name to ask for; then nobody can look at the certificate's.
        trust = ["--cacert", shop.chains.trusted] if sni == expected else ["--insecure"]
        url = f"https://{sni or shop.host}:{shop.port}/echo"
        return run("curl", "-sS", "--noproxy", "*", *trust, f"--tlsv{version}",
                   "--tls-max", version, "--http1.1", "-H", "Connection: close",
                   "-H", f"Host: {expected}", "--connect-to",
                   f"{sni}::{shop.host}:", url, *(url for _ in more))

    @staticmethod
    def resume(shop, version, sni, _folder):
        return Curl.ask(shop, version, sni, sni, "once more")


CLIENTS = {"openssl": OpenSSL, "gnutls": GnuTLS, "curl": Curl}


def replies_of(said):
    """What echo's replies say of TLS, among all that a client has printed."""
    return re.findall(r'"tls":\{"version":"([^"]*)".*"resumed":(true|false)\}', said)


def assert_answered(said, version, resumed):
    replies = replies_of(said)
    assert replies and replies[-1] == (f"TLSv{version}", resumed), said


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client", CLIENTS)
def test_sessions_begin_and_go_on_with_every_kind_of_key(shop, tmp_path, client, version,
                                                         kind):
    said = CLIENTS[client].resume(shop, version, f"{kind}.test", tmp_path)
    # For TLS 1.2 curl takes no tickets, only sessions that the server remembers.
    assert_answered(said, version, "false" if (client, version) == ("curl", "1.2")
                    else "true")


@pytest.mark.parametrize("sni", ["nobody.test", ""])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client", CLIENTS)
def test_a_name_that_is_not_known_gets_the_first_certificate(shop, client, version, sni):
    said = CLIENTS[client].ask(shop, version, sni, "default.test")
    assert_answered(said, version, "false")
