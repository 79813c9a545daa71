# SPDX-License-Identifier: MIT
"""Certificates of clients: who is asked for one, whose is good, what handlers learn of
it, and what becomes of all that when CAs and lists change while they are in force.
"""

import contextlib
import hashlib
import json
import os
import re
import signal
import ssl
import subprocess

import pytest

import h2
import harness
import named
import pki
import plugs

FACTS = ["verify", "subject", "issuer", "serial", "san", "fingerprint", "not_before",
         "not_after"]

# Every fact on a line; what a handler asks for when it is called, and on a connection.
CODE = """
static const char *const names[] = { %s };

static void tell(char *out, size_t size, const char *(*info)(const void *, const char *),
    const void *what)
{
	size_t used = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char key[64];
		const char *value;

		snprintf(key, sizeof(key), "client.certificate.%%s", names[i]);
		value = info(what, key);
		if (value != NULL) {
			used += (size_t)snprintf(out + used, size - used, "%%s=%%s\\n",
			    names[i], value);
		}
	}
}

static const char *of_request(const void *r, const char *key)
{
	return tc.info(r, key);
}

static const char *of_stream(const void *c, const char *key)
{
	return tc.conn_info(c, key);
}

static int connected(tc_conn *c, tc_req *upgrade)
{
	char text[4096] = "-\\n";

	(void)upgrade;
	tell(text, sizeof(text), of_stream, c);
	if (tc.send(c, text, strlen(text), TC_TEXT) != TC_OK) {
		return TC_FAIL;
	}
	return tc.close(c, 0, NULL);
}
""" % ", ".join(f'"{name}"' for name in FACTS)
FIRST = """
	char text[4096] = "-\\n";

	tell(text, sizeof(text), of_request, r);
	return tc.text(r, 200, text);
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A root, one below it, strangers; and a certificate of every kind."""
    folder = tmp_path_factory.mktemp("pki")
    root = pki.Authority(folder, "root")
    root.below = pki.Authority(folder, "below", above=root)
    root.other = pki.Authority(folder, "other")
    root.pairs = {
        "good": root.issue("good", "/O=Test/CN=Ada, of \"L\u00f6ve\"",
                           "DNS:ada.test,email:ada@test,URI:spiffe://test/ada,"
                           "IP:192.0.2.1,IP:2001:db8::1"),
        "chained": root.below.issue("chained"),
        "expired": root.issue("expired", days=(-9, -1)),
        "not_yet_valid": root.issue("early", days=(1, 9)),
        "revoked": root.issue("revoked"),
        "revoked_below": root.below.issue("revoked"),
        "unknown_ca": root.other.issue("unknown"),
        "wrong_purpose": root.issue("server", kind="server"),
        "self_signed": root.self_signed("selfmade"),
    }
    root.revoke(root.pairs["revoked"])
    root.below.revoke(root.pairs["revoked_below"])
    return root


def make_server(folder, make_config, certificates, authority, **changes):
    """A host for each way with clients; every file of it is in its folder."""
    plug = plugs.Plugs(folder)
    for name in "who", "here":
        plug.drop(name, "", code="#include <stdio.h>\n" + CODE, first=FIRST,
                  fields=".on_connect = connected")
    (folder / "ca.pem").write_text(authority.text)
    (folder / "crl.pem").write_text(authority.crl() + authority.below.crl())
    (folder / "other.pem").write_text(authority.other.text)
    chains = named.Certificates(folder)
    routes = [{"path": "/who", "handler": "who"}, {"path": "/here", "handler": "here"}]
    inner = routes + [{"path": "/inner", "handler": "who",
                       "client_certificate": "required"}]
    config = {
        "certificates": [chains.make([
            "localhost", "optional.test", "required.test", "any.test", "other.test"])],
        "plugins": {"directory": str(plug.directory), "serve_unrouted": False},
        "handlers": {"here": {"isolation": "worker"}},
        "alpn": {"who": "here"},
        "routes": routes,
        "tls": {"client_ca": "ca.pem", "client_crl": "crl.pem"},
        "hosts": [
            {"names": ["optional.test"], "routes": inner,
             "tls": {"client_auth": "optional"}},
            {"names": ["required.test"], "routes": inner,
             "tls": {"client_auth": "required"}},
            {"names": ["any.test"], "routes": inner, "tls": {"client_auth": "any"}},
            {"names": ["other.test"], "routes": inner, "tls": {
                "client_auth": "required", "client_ca": "other.pem"}},
        ],
    }
    config.update(changes)
    running = harness.Server(folder, make_config(**config), certificates)
    running.chains = chains
    running.plug = plug
    return running


@pytest.fixture(scope="module")
def server(tmp_path_factory, make_config, certificates, authority):
    running = make_server(tmp_path_factory.mktemp("server"), make_config, certificates,
                          authority)
    yield running
    running.stop()


@pytest.fixture
def own_server(tmp_path, make_config, certificates, authority):
    """Starts servers for one test alone, with files in tmp_path that it may change; each
    is checked when it stops."""
    with contextlib.ExitStack() as servers:
        def start(whose=authority, **changes):
            running = make_server(tmp_path, make_config, certificates, whose, **changes)
            servers.callback(running.stop)
            return running

        yield start


def context(server, pair=None, protocol="http/1.1", version=None):
    made = named.context(server, protocol)
    if pair is not None:
        made.load_cert_chain(pair.chain, pair.key)
    if version is not None:
        made.minimum_version = made.maximum_version = version
    return made


def facts_of(text):
    return dict(line.split("=", 1) for line in text.splitlines() if line != "-")


def ask(server, sni, pair=None, path="/who", protocol="http/1.1", authority=None):
    """One request with that certificate, on a connection of its own."""
    with named.connect(server, sni, protocol,
                       made=context(server, pair, protocol)) as client:
        if protocol == "h2":
            client = h2.Connection(client).handshake()
        return named.ask_on(client, protocol, authority or sni or "localhost", path)


# Who gets in: three clients


def with_openssl(server, sni, version, pair):
    shown = [] if pair is None else ["-cert", pair.chain, "-key", pair.key,
                                     "-cert_chain", pair.chain]
    return subprocess.run(
        ["openssl", "s_client", "-connect", f"{server.host}:{server.port}", "-servername",
         sni, "-quiet", "-ign_eof", f"-tls1_{version}", *shown],
        input=f"GET /who HTTP/1.1\r\nHost: {sni}\r\nConnection: close\r\n\r\n",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        timeout=harness.DEADLINE, check=False).stdout


def with_gnutls(server, sni, version, pair):
    shown = [] if pair is None else ["--x509certfile", pair.chain, "--x509keyfile",
                                     pair.key]
    return subprocess.run(
        ["gnutls-cli", "--no-ca-verification", "--sni-hostname", sni, "--priority",
         f"NORMAL:-VERS-ALL:+VERS-TLS1.{version}", "--port", str(server.port), *shown,
         server.host],
        input=f"GET /who HTTP/1.1\r\nHost: {sni}\r\nConnection: close\r\n\r\n",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        timeout=harness.DEADLINE, check=False).stdout


def with_curl(server, sni, version, pair):
    shown = [] if pair is None else ["--cert", pair.chain, "--key", pair.key]
    return subprocess.run(
        ["curl", "--silent", "--show-error", "--cacert", server.chains.trusted,
         "--noproxy", "*", "--resolve", f"{sni}:{server.port}:{server.host}",
         f"--tlsv1.{version}", "--tls-max", f"1.{version}", *shown,
         f"https://{sni}:{server.port}/who"],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        timeout=harness.DEADLINE, check=False).stdout


CLIENTS = {"openssl": with_openssl, "gnutls": with_gnutls, "curl": with_curl}
ALERTS = {
    "expired": "certificate (is )?expired|certificate verification failed",
    "not_yet_valid": "bad certificate|certificate is bad",
    "revoked": "certificate revoked|certificate was revoked",
    "revoked_below": "certificate revoked|certificate was revoked",
    "unknown_ca": "unknown ca|CA is unknown",
    "self_signed": "unknown ca|CA is unknown",
    "wrong_purpose": "unsupported certificate|certificate is not supported",
}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("client, shown", [
    *[(client, shown) for client in CLIENTS
      for shown in ("good", "chained", "expired", "revoked", None)],
    *[("openssl", shown) for shown in ("revoked_below", "not_yet_valid", "unknown_ca",
                                       "self_signed", "wrong_purpose")]])
def test_who_gets_in(server, authority, client, shown, version):
    pair = authority.pairs[shown] if shown else None
    said = {host: CLIENTS[client](server, f"{host}.test", version, pair)
            for host in ("optional", "required", "any")}
    if shown in ("good", "chained"):
        for text in said.values():
            assert "verify=ok\n" in text
    elif shown is None:
        assert "verify=none\n" in said["optional"]
        assert "verify=none\n" in said["any"]
        assert re.search("certificate required|certificate is required|"
                         "handshake failure|handshake failed", said["required"], re.I)
    else:
        for host in "optional", "required":
            assert "verify=" not in said[host]
            assert re.search(ALERTS[shown], said[host], re.I), said[host]
        assert f"verify={shown.removesuffix('_below')}\n" in said["any"], said["any"]


# What handlers learn


GOOD_SAN = ("DNS:ada.test email:ada@test URI:spiffe://test/ada IP:192.0.2.1 "
            "IP:2001:db8::1")


@pytest.mark.parametrize("path", ["/who", "/here"])
@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_facts(server, authority, protocol, path):
    pair = authority.pairs["good"]
    facts = facts_of(ask(server, "optional.test", pair, path, protocol).text)
    der = ssl.PEM_cert_to_DER_cert(pair.chain.read_text())
    assert facts == {
        "verify": "ok", "issuer": "CN=root,O=Test", "serial": "1001", "san": GOOD_SAN,
        "subject": r"CN=Ada\, of \"L\C3\B6ve\",O=Test",
        "fingerprint": hashlib.sha256(der).hexdigest(),
        "not_before": facts["not_before"], "not_after": facts["not_after"]}
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", facts["not_after"])


@pytest.mark.parametrize("path", ["/who", "/here"])
def test_facts_of_who_was_not_asked_or_has_none(server, path):
    assert ask(server, "localhost", path=path).text == "-\n"
    assert ask(server, "optional.test", path=path).text == "verify=none\n"


@pytest.mark.parametrize("path", ["/who", "/here"])
def test_facts_of_a_websocket(server, authority, path):
    with named.connect(server, "required.test",
                       made=context(server, authority.pairs["good"])) as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: required.test\r\n"
                    "Upgrade: websocket\r\nConnection: upgrade\r\n"
                    "Sec-WebSocket-Version: 13\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        assert client.read_head().status == 101
        assert b"verify=ok\nsubject=CN=Ada" in client.read_to_end()


def test_the_access_log_has_the_fingerprint_of_who_has_one(server, authority):
    ask(server, "optional.test", authority.pairs["chained"], "/who?logged")
    ask(server, "optional.test", path="/who?plain")
    der = ssl.PEM_cert_to_DER_cert(
        authority.pairs["chained"].chain.read_text().split("-----END")[0]
        + "-----END CERTIFICATE-----\n")
    assert (server.wait_access("/who?logged")["client_certificate"]
            == hashlib.sha256(der).hexdigest())
    assert "client_certificate" not in server.wait_access("/who?plain")


# What a route demands


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
@pytest.mark.parametrize("host, shown, status", [
    ("optional", "good", 200), ("optional", None, 403), ("required", "good", 200),
    ("any", "good", 200), ("any", "self_signed", 403), ("any", "revoked", 403),
    ("any", None, 403)])
def test_a_route_may_demand_one(server, authority, host, shown, status, protocol):
    pair = authority.pairs[shown] if shown else None
    reply = ask(server, f"{host}.test", pair, "/inner", protocol)
    assert reply.status == status


# No way around it: a connection to one host, a request for another


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
@pytest.mark.parametrize("sni, authority_name, shown, status", [
    ("localhost", "required.test", None, 421), (None, "required.test", None, 421),
    ("nobody.test", "REQUIRED.test.:443", None, 421),
    ("optional.test", "required.test", None, 421),
    ("optional.test", "required.test", "good", 200),
    ("any.test", "required.test", "good", 200),
    ("any.test", "required.test", "revoked", 421),
    ("any.test", "optional.test", "self_signed", 421),
    ("optional.test", "other.test", "good", 421),
    ("required.test", "localhost", "good", 421),
    ("required.test", "any.test", "good", 200)])
def test_another_host_on_the_same_connection(server, authority, protocol, sni,
                                             authority_name, shown, status):
    pair = authority.pairs[shown] if shown else None
    assert ask(server, sni, pair, "/who", protocol, authority_name).status == status


def test_a_stream_is_not_had_under_a_hosts_conditions(own_server, authority):
    strict = {"client_auth": "required", "client_ca": "ca.pem", "client_crl": "crl.pem"}
    free = {"names": ["any.test"], "tls": {"client_auth": "none"}}
    server = own_server(tls=strict, hosts=[free])
    good = context(server, authority.pairs["good"], "who")
    with named.connect(server, "localhost", made=good) as client:
        assert b"verify=ok\n" in client.read_to_end()
    with named.connect(server, "any.test", made=context(server, None, "who")) as client:
        assert client.read_to_end() == b""
    assert ask(server, "any.test").status == 404
    server.wait_log("a stream is refused")


def test_listeners_have_their_own_way(own_server, authority):
    server = own_server(hosts=[], listeners=[
        {"address": "127.0.0.1:0"},
        {"address": "127.0.0.1:0", "tls": {"client_auth": "required"}}])
    assert ask(server, "localhost").text == "-\n"
    first = server.port
    ports = [int(port) for port in re.findall(r"listening on https://127.0.0.1:(\d+)",
                                              server.log)]
    server.port = next(port for port in ports if port != first)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ask(server, "localhost")
    assert "verify=ok\n" in ask(server, "localhost", authority.pairs["good"]).text


# While it is served


def resume(server, made, session):
    """Asks on a resumed session: was it one?"""
    with named.connect(server, "required.test", made=made, session=session) as client:
        named.ask_on(client, "http/1.1", "required.test")
        return client.sock.session_reused


def is_refused(server, made, session):
    try:
        resume(server, made, session)
    except (ssl.SSLError, ConnectionError, AssertionError):
        return True
    return False


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_what_is_revoked_is_out_at_once(own_server, tmp_path, tmp_path_factory, version):
    root = pki.Authority(tmp_path_factory.mktemp("revoking"), "root")
    root.below = pki.Authority(root.folder, "below", above=root)
    root.other = root.below
    loser, keeper = root.issue("loser"), root.below.issue("keeper")
    server = own_server(root)
    made = {pair.key: context(server, pair, version=version) for pair in (loser, keeper)}
    opened = {key: named.connect(server, "required.test", made=one)
              for key, one in made.items()}
    for client in opened.values():
        assert named.ask_on(client, "http/1.1", "required.test").status == 200
    sessions = {key: client.sock.session for key, client in opened.items()}
    assert all(resume(server, made[key], sessions[key]) for key in made)

    root.revoke(loser)
    (tmp_path / "new.pem").write_text(root.crl() + root.below.crl())
    os.rename(tmp_path / "new.pem", tmp_path / "crl.pem")
    loser_context, loser_open = made[loser.key], opened[loser.key]

    # The connection that is open, what it could be resumed with, and a new one.
    harness.wait_for(lambda: named.ask_on(
        loser_open, "http/1.1", "required.test").status == 421, "the new list")
    for session in sessions[loser.key], None:
        # The other worker may read it a moment later.
        harness.wait_for(lambda session=session: all(
            is_refused(server, loser_context, session) for _ in range(8)), "all workers")
    assert "certificate revoked" in server.wait_log("is refused: certificate revoked")
    # Others go on; what they resume is verified anew.
    harness.wait_for(lambda: named.ask_on(
        opened[keeper.key], "http/1.1", "required.test").status == 200, "the keeper")
    harness.wait_for(lambda: not resume(server, made[keeper.key], sessions[keeper.key]),
                     "all workers")


def status_of(server):
    done = harness.tincan("status", "--json", "--config", str(server.config))
    return done.stdout


def test_broken_files_leave_the_old_in_force(own_server, tmp_path, authority):
    server = own_server()
    good = authority.pairs["good"]
    (tmp_path / "ca.pem").write_text("nonsense\n")
    server.wait_log("client_ca: there is no certificate in ")
    assert "verify=ok\n" in ask(server, "required.test", good).text
    harness.wait_for(lambda: "there is no certificate in" in status_of(server), "status")
    # Another CA takes its place.
    (tmp_path / "new.pem").write_text(authority.other.text)
    (tmp_path / "none.pem").write_text(authority.other.crl())
    os.rename(tmp_path / "none.pem", tmp_path / "crl.pem")
    os.rename(tmp_path / "new.pem", tmp_path / "ca.pem")
    stranger = authority.pairs["unknown_ca"]

    def is_friend():
        try:
            return ask(server, "required.test", stranger).status == 200
        except (ssl.SSLError, ConnectionError, AssertionError):
            return False

    harness.wait_for(is_friend, "the other CA")


def test_workers_read_no_files_of_cas(own_server, tmp_path, authority):
    """They have what was good last, also those that start late."""
    server = own_server()
    for name in "ca.pem", "crl.pem":
        os.unlink(tmp_path / name)
    server.wait_log("client_crl: cannot read")
    for worker in server.workers:
        os.kill(worker, signal.SIGKILL)
    server.wait_log("died")
    harness.wait_for(lambda: len(server.workers) == 2, "workers")
    assert "verify=ok\n" in ask(server, "required.test", authority.pairs["good"]).text
    with pytest.raises((ssl.SSLError, ConnectionError, AssertionError)):
        ask(server, "required.test", authority.pairs["revoked"])
    # A change of plugins, and a reload, take it over.
    after = len(server.lines)
    server.plug.drop("more", "more")
    server.wait_log("generation .* serves", after)
    assert harness.tincan("reload", "--config", server.config).returncode == 0
    assert "verify=ok\n" in ask(server, "required.test", authority.pairs["good"]).text
    assert "cannot read" in status_of(server)


def test_an_expired_list_is_told_and_refuses(own_server, tmp_path, authority):
    server = own_server()
    (tmp_path / "new.pem").write_text(authority.crl((-9, -1)) + authority.below.crl())
    os.rename(tmp_path / "new.pem", tmp_path / "crl.pem")
    server.wait_log("the list of 'CN=root,O=Test' has expired")

    def is_refused():
        try:
            ask(server, "required.test", authority.pairs["good"])
        except (ssl.SSLError, ConnectionError, AssertionError):
            return True
        return False

    harness.wait_for(is_refused, "the list")
    server.wait_log("is refused: CRL has expired")


def test_a_host_whose_file_is_broken_at_the_start_lets_nobody_in(
        own_server, tmp_path, authority):
    (tmp_path / "nothing.pem").write_text("")
    server = own_server(hosts=[
        {"names": ["required.test"], "routes": [{"path": "/who", "handler": "who"}],
         "tls": {"client_auth": "required", "client_ca": "nothing.pem"}}])
    server.wait_log("hosts.0..tls.client_ca: warning: cannot read .*: it is empty")
    for pair in None, authority.pairs["good"]:
        with pytest.raises(ssl.SSLError, match="internal error"):
            ask(server, "required.test", pair)
    assert ask(server, "localhost").status == 200


@pytest.mark.parametrize("crl, what", [
    ("missing.pem", "cannot read "), ("ca.pem", "there is no revocation list in "),
    ("forged.pem", "the list of 'CN=root,O=Test' is not signed by the CA of that name"),
    ("fifo.pem", "cannot read "), ("/dev/zero", "cannot read ")])
def test_check_says_what_is_wrong_with_a_list(tmp_path, make_config, authority, crl,
                                              what):
    forger = pki.Authority(tmp_path, "root")
    (tmp_path / "forged.pem").write_text(forger.crl())
    (tmp_path / "ca.pem").write_text(authority.text)
    os.mkfifo(tmp_path / "fifo.pem")
    config = tmp_path / "server.json"
    config.write_text(json.dumps(make_config(tls={
        "client_auth": "optional", "client_ca": "ca.pem", "client_crl": crl})))
    done = harness.tincan("check", "--config", str(config))
    assert done.returncode == 2
    assert f": tls.client_crl: {what}" in done.stderr
    if crl in ("fifo.pem", "/dev/zero"):
        assert f"{crl}': it is no regular file\n" in done.stderr


@pytest.mark.parametrize("ca", ["fifo.pem", "/dev/zero"])
def test_a_file_of_cas_that_is_none_holds_nothing_up(tmp_path, make_config, ca):
    os.mkfifo(tmp_path / "fifo.pem")
    config = tmp_path / "server.json"
    config.write_text(json.dumps(make_config(tls={
        "client_auth": "optional", "client_ca": ca})))
    done = harness.tincan("check", "--config", str(config))
    assert done.returncode == 2
    assert f"{ca}': it is no regular file\n" in done.stderr
