# SPDX-License-Identifier: MIT
"""Certificates by name: which one a client is shown, what its connection is good for, and
what becomes of one that is broken, expires, or changes while it is served.
"""

import json
import os
import re
import shutil
import ssl
import subprocess

import pytest

import h2
import harness
import named

HELLO = {"path": "/hello/{name}", "handler": "hello"}
ECHO = {"path": "/echo", "handler": "echo"}


def host(names, *certificates):
    return {"names": names, "routes": [HELLO, ECHO], "certificates": [*certificates]}


@pytest.fixture(scope="module")
def shown(tmp_path_factory, make_config, certificates):
    """A server of many names; its certificates by the word that tells them apart."""
    folder = tmp_path_factory.mktemp("shown")
    chains = named.Certificates(folder)
    pairs = {"default": make_config()["certificates"][0]}
    for word, names, kind in (
            ("extra", ["x.test", "*.x.test"], "ec"), ("a", ["a.test"], "ec"),
            ("a-rsa", ["a.test"], "rsa"), ("a-ed", ["a.test"], "ed25519"),
            ("w", ["w.test", "*.w.test"], "ec"), ("wx", ["x.w.test"], "rsa"),
            ("b", ["b.test"], "ec"), ("c", ["c.test"], "ec"), ("d", ["d.test"], "ec")):
        pairs[word] = chains.make(names, kind)
    copy = {half: f"{path}.copy" for half, path in pairs["d"].items()}
    for half, path in pairs["d"].items():
        shutil.copy(path, copy[half])
    server = harness.Server(folder, make_config(
        certificates=[pairs["default"], pairs["extra"]],
        hosts=[host(["a.test"], pairs["a"], pairs["a-rsa"], pairs["a-ed"]),
               host(["w.test", "*.w.test"], pairs["w"]),
               host(["x.w.test"], pairs["wx"]),
               host(["b.test", "c.test"], pairs["b"], pairs["c"]),
               host(["d.test"], pairs["d"]),
               host(["e.test", "*.x.test"]),
               host(["copy.test"], copy)]), certificates)
    server.chains = chains
    server.words = {ssl.PEM_cert_to_DER_cert(first_pem(pair["chain"])): word
                    for word, pair in pairs.items()}
    yield server
    server.stop()


def first_pem(path):
    with open(path, encoding="ascii") as file:
        text = file.read()
    return text[text.index("-----BEGIN"):]


def word_shown(server, sni, *options):
    """Which certificate openssl is shown; without one, what it says."""
    name = ["-servername", sni] if sni else ["-noservername"]
    said = subprocess.run(
        ["openssl", "s_client", "-connect", f"{server.host}:{server.port}", *name,
         *options], input="", stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        errors="replace", timeout=harness.DEADLINE, check=False).stdout
    if "-----BEGIN" not in said:
        return said
    return server.words[ssl.PEM_cert_to_DER_cert(
        said[said.index("-----BEGIN"):said.index("-----END") + 25] + "\n")]


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("sni, word", [
    ("a.test", "a"), ("A.TEST", "a"), ("w.test", "w"), ("y.w.test", "w"),
    ("x.w.test", "wx"), ("b.test", "b"), ("c.test", "c"), ("d.test", "d"),
    ("localhost", "default"), ("nobody.test", "default"), ("z.y.w.test", "default"),
    ("e.test", "default"), ("x.test", "extra"), ("y.x.test", "extra"), (None, "default")])
def test_the_name_chooses_the_certificate(shown, sni, word, version):
    assert word_shown(shown, sni, version) == word


@pytest.mark.parametrize("options, word", [
    (["-tls1_3", "-sigalgs", "ECDSA+SHA256:RSA-PSS+SHA256"], "a"),
    (["-tls1_3", "-sigalgs", "RSA-PSS+SHA256"], "a-rsa"),
    (["-tls1_3", "-sigalgs", "ed25519"], "a-ed"),
    (["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"], "a-rsa"),
    (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", "-sigalgs", "ECDSA+SHA256"],
     "a")])
def test_the_best_kind_of_key_that_the_client_can_use(shown, options, word):
    assert word_shown(shown, "a.test", *options) == word


def test_a_kind_of_key_that_only_another_host_has_is_not_used(shown):
    said = word_shown(shown, "d.test", "-tls1_3", "-sigalgs", "RSA-PSS+SHA256")
    assert "alert handshake failure" in said


# A connection of one name, requests for others (RFC 9110 15.5.20)


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
@pytest.mark.parametrize("sni, authority, status", [
    ("a.test", "a.test", 200), ("a.test", "A.test.:443", 200),
    ("w.test", "y.w.test", 200), ("y.w.test", "w.test", 200),
    ("d.test", "copy.test", 200), ("localhost", "nobody.test", 200),
    ("localhost", "e.test", 200), (None, "a.test", 200), (None, "localhost", 200),
    ("a.test", "d.test", 421), ("a.test", "localhost", 421), ("localhost", "a.test", 421),
    ("nobody.test", "a.test", 421), ("w.test", "x.w.test", 421),
    ("b.test", "c.test", 421)])
def test_a_request_for_another_certificate_is_misdirected(shown, protocol, sni, authority,
                                                          status):
    assert named.ask(shown, protocol, sni, authority, "/hello/x").status == status


@pytest.mark.parametrize("protocol", ["http/1.1", "h2"])
def test_a_misdirected_request_ends_no_connection(shown, protocol):
    with named.connect(shown, "a.test", protocol) as client:
        if protocol == "h2":
            client = h2.Connection(client).handshake()
        for authority, status in [("d.test", 421), ("a.test", 200), ("b.test", 421)]:
            reply = named.ask_on(client, protocol, authority, "/hello/x")
            assert reply.status == status


def test_curl_reuses_a_connection_for_names_of_one_certificate(shown):
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--noproxy", "*", "--http2", "--cacert",
         shown.chains.trusted, "--write-out", "%{http_code} %{num_connects}\n",
         "--connect-to", f"::{shown.host}:{shown.port}",
         "--output", "/dev/null", "https://w.test/hello/x",
         "--output", "/dev/null", "https://w.test/hello/y"],
        stdout=subprocess.PIPE, text=True, timeout=harness.DEADLINE, check=True)
    assert done.stdout == "200 1\n200 0\n"


# Sessions


def resumes(server, version, first, second):
    """Is a session that began with the one name resumed with the other?"""
    made = named.context(server)
    made.minimum_version = made.maximum_version = version
    with named.connect(server, first, made=made) as client:
        named.ask_on(client, "http/1.1", first, "/hello/x")
        session = client.sock.session
    with named.connect(server, second, session=session, made=made) as client:
        reply = named.ask_on(client, "http/1.1", second, "/hello/x")
        assert reply.status == 200
        return client.sock.session_reused


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("first, second, resumed", [
    ("a.test", "a.test", True), ("localhost", "localhost", True),
    ("a.test", "d.test", False), ("a.test", "localhost", False),
    ("localhost", "a.test", False), ("w.test", "x.w.test", False)])
def test_no_session_goes_on_under_another_certificate(shown, version, first, second,
                                                      resumed):
    assert resumes(shown, version, first, second) is resumed


# What is broken


def change(server, **changes):
    config = json.loads(server.config.read_text())
    config.update(changes)
    server.config.write_text(json.dumps(config))


def tincan(server, command):
    return harness.tincan(command, "--config", server.config, folder=server.folder)


def hosted(start_server, folder, *names):
    """A server with a host for each name, and the pairs of their certificates."""
    chains = named.Certificates(folder)
    pairs = [chains.make([name]) for name in names]
    server = start_server(hosts=[host([name], pair)
                                 for name, pair in zip(names, pairs)])
    server.chains = chains
    return server, pairs


def get(server, name):
    return named.ask(server, "http/1.1", name, name, "/hello/x").text


def serial(server, name):
    """What tells the certificate that is shown from others."""
    with named.connect(server, name, made=untrusting()) as client:
        return client.sock.getpeercert(binary_form=True)


def untrusting():
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


def assert_refused(server, name):
    with pytest.raises(ssl.SSLError, match="(?i)internal.error"):
        get(server, name)


def test_a_broken_certificate_stops_no_other_host(start_server, tmp_path):
    chains = named.Certificates(tmp_path)
    good, bad, halves = (chains.make([name]) for name in ("a.test", "b.test", "c.test"))
    os.unlink(bad["chain"])
    shutil.copy(good["key"], halves["key"])
    config = {"hosts": [host(["a.test"], good), host(["b.test", "*.b.test"], bad),
                        host(["c.test"], halves)]}
    server = start_server(**config)
    server.chains = chains
    assert get(server, "a.test") == "Hello, x!\n"
    assert get(server, "localhost") == "Hello, x!\n"
    for name in "b.test", "x.b.test", "c.test":
        assert_refused(server, name)
    assert f"hosts[1].certificates[0].chain: warning: cannot read '{bad['chain']}'" in \
        server.log
    assert "hosts[2].certificates[0]: warning: the key" in server.log
    status = tincan(server, "status")
    assert status.returncode == 0 and "is not that of the certificate" in status.stderr
    check = tincan(server, "check")
    assert check.returncode == 2 and f"cannot read '{bad['chain']}'" in check.stderr


def test_a_broken_certificate_of_the_server_is_no_start(tmp_path, make_config):
    chains = named.Certificates(tmp_path)
    bad = chains.make(["a.test"])
    os.unlink(bad["key"])
    (tmp_path / "server.json").write_text(json.dumps(make_config(certificates=[bad])))
    done = harness.tincan("--config", "server.json", folder=tmp_path)
    assert done.returncode == 2 and "cannot read" in done.stderr


def test_a_reload_to_a_broken_certificate_is_refused(start_server, tmp_path):
    server, pairs = hosted(start_server, tmp_path, "a.test")
    bad = {"chain": str(tmp_path / "none.crt"), "key": pairs[0]["key"]}
    change(server, hosts=[host(["a.test"], pairs[0]), host(["b.test"], bad)])
    done = tincan(server, "reload")
    assert done.returncode == 1 and "none.crt': No such file" in done.stderr
    assert get(server, "a.test") == "Hello, x!\n"


def test_a_reload_keeps_what_has_broken_since(start_server, tmp_path):
    server, pairs = hosted(start_server, tmp_path, "a.test", "b.test")
    os.unlink(pairs[1]["key"])
    change(server, hosts=[host(["a.test", "c.test"], pairs[0]),
                          host(["b.test"], pairs[1])])
    done = tincan(server, "reload")
    assert done.returncode == 0 and "generation 2 serves" in done.stdout
    assert f"warning: cannot read '{pairs[1]['key']}'" in done.stderr
    for name in "a.test", "b.test", "c.test":
        assert get(server, name) == "Hello, x!\n"


def test_a_name_that_no_certificate_is_for_is_told(start_server, tmp_path):
    chains = named.Certificates(tmp_path)
    server = start_server(hosts=[host(["b.test", "c.test"], chains.make(["b.test"]))])
    assert "warning: no certificate is for its name 'c.test'" in server.log
    assert "'b.test'" not in server.log


@pytest.mark.parametrize("names, told", [
    (["a.test", "b.test"], "a.test, b.test"),
    ([f"n{i}.many.test" for i in range(30)], r"n0\.many\.test, .*, \.\.\."),
    ([".".join(["a" * 60] * 3) + ".test"], r"a{60}\.a{60}\..*\.\.\.")])
def test_more_names_than_a_line_has_room_for_are_cut(start_server, tmp_path, names, told):
    server, pairs = hosted(start_server, tmp_path, "first.test")
    pair = server.chains.make(names)
    change(server, hosts=[host(names, pair)])
    assert tincan(server, "reload").returncode == 0
    done = harness.tincan("status", "--json", "--config", server.config)
    shown, = (x["names"] for x in json.loads(done.stdout)["certificates"]
              if x["chain"] == pair["chain"])
    assert re.fullmatch(told, shown) and len(shown) < 128


# Live swap


def swap(chains, pair, names):
    """Puts a new pair in the place of one that is served, half by half."""
    new = chains.make(names)
    for half in "chain", "key":
        os.rename(new[half], pair[half])
    return ssl.PEM_cert_to_DER_cert(first_pem(pair["chain"]))


def test_a_changed_certificate_is_served_without_a_word(start_server, tmp_path):
    server, pairs = hosted(start_server, tmp_path, "a.test", "b.test")
    before = {name: serial(server, name) for name in ("a.test", "b.test")}
    with named.connect(server, "a.test") as client:
        new = swap(server.chains, pairs[0], ["a.test"])
        harness.wait_for(lambda: serial(server, "a.test") == new, "the new certificate")
        assert serial(server, "b.test") == before["b.test"] != before["a.test"]
        # A renewed certificate is no other host's.
        assert named.ask_on(client, "http/1.1", "a.test", "/hello/x").status == 200
    assert '"generation": 1' in tincan_json(server)


def tincan_json(server):
    done = harness.tincan("status", "--json", "--config", server.config,
                          folder=server.folder)
    return json.dumps(json.loads(done.stdout))


def test_halves_that_do_not_match_are_not_taken(start_server, tmp_path):
    server, pairs = hosted(start_server, tmp_path, "a.test", "b.test")
    before = serial(server, "a.test")
    new = server.chains.make(["a.test"])
    shutil.copy(new["chain"], pairs[0]["chain"])
    other = swap(server.chains, pairs[1], ["b.test"])
    harness.wait_for(lambda: serial(server, "b.test") == other, "the other certificate")
    server.wait_log("the key .* is not that of the certificate")
    assert serial(server, "a.test") == before
    assert "is not that of the certificate" in tincan(server, "status").stderr
    shutil.copy(new["key"], pairs[0]["key"])
    harness.wait_for(lambda: serial(server, "a.test") != before, "the new certificate")
    assert get(server, "a.test") == "Hello, x!\n"


# Hosts come and go


def test_reloads_of_hosts_lose_nothing(start_server, tmp_path):
    server, pairs = hosted(start_server, tmp_path, "a.test", "b.test")
    both = [host(["a.test"], pairs[0]), host(["b.test"], pairs[1])]
    with named.connect(server, "a.test") as first, named.connect(server, "b.test",
                                                                 "h2") as second:
        second = h2.Connection(second).handshake()
        for hosts in both[:1], both, both[1:], both:
            change(server, hosts=hosts)
            assert tincan(server, "reload").returncode == 0
            # A name that is no host's any more is the default host's, which has the path.
            assert named.ask_on(first, "http/1.1", "a.test", "/hello/x").status == 200
            assert named.ask_on(second, "h2", "b.test", "/hello/x").status == 200


def test_a_thousand_hosts_start_and_answer(start_server, tmp_path):
    chains = named.Certificates(tmp_path)
    pair = chains.make(["*.many.test"])
    server = start_server(workers=1, hosts=[{
        "names": [f"h{i}.many.test"], "certificates": [pair], "routes": [HELLO]}
        for i in range(1000)])
    server.chains = chains
    for i in 0, 500, 999:
        assert get(server, f"h{i}.many.test") == "Hello, x!\n"
    # Clients may ask for all that have one certificate on one connection.
    with named.connect(server, "h1.many.test") as client:
        assert named.ask_on(client, "http/1.1", "h2.many.test", "/hello/x").status == 200
