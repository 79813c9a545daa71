# SPDX-License-Identifier: MIT
"""Certificates that are renewed while they are served: however their files are written,
no handshake fails.

TINCAN_LONG=1 swaps a thousand times.
"""

import functools
import json
import os
import re
import shutil
import ssl
import subprocess
import time

import pytest

import harness
import load
import named
from test_keeper import keeper_of

SWAPS = 1000 if os.environ.get("TINCAN_LONG") == "1" else 16
CLIENTS = 3


def host(names, *certificates):
    return {"names": names, "routes": [{"path": "/hello/{name}", "handler": "hello"}],
            "certificates": [*certificates]}


@pytest.fixture
def swapped(start_server, tmp_path):
    """A server of a.test and b.test, and the pairs of their certificates."""
    chains = named.Certificates(tmp_path)
    pairs = {name: chains.make([name], kind) for name, kind in
             (("a.test", "ec"), ("b.test", "rsa"))}
    server = start_server(hosts=[host([name], pair) for name, pair in pairs.items()])
    server.chains = chains
    return server, pairs


def der(chain):
    with open(chain, encoding="ascii") as file:
        return ssl.PEM_cert_to_DER_cert(file.read())


def untrusting(version=None):
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    if version is not None:
        made.minimum_version = made.maximum_version = version
    return made


def handshake(server, name, made):
    """What certificate is shown in a whole handshake."""
    with made.wrap_socket(server.tcp(), server_hostname=name) as sock:
        return sock.getpeercert(binary_form=True)


def shown(server, name):
    return handshake(server, name, untrusting())


class Handshakes(load.Clients):
    """Clients that do nothing else, each with a version of TLS, while a block runs."""

    def __init__(self, server, name):
        versions = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2
        super().__init__(server, [functools.partial(self._work, versions[i % 2])
                                  for i in range(CLIENTS)])
        self.name = name

    def _work(self, version):
        made = untrusting(version)
        while not self.over.is_set():
            handshake(self.server, self.name, made)
            self.count()


def renamed(new, old, first, second):
    os.rename(new[first], old[first])
    os.rename(new[second], old[second])


def chain_first(new, old):
    renamed(new, old, "chain", "key")


def key_first(new, old):
    renamed(new, old, "key", "chain")


def in_steps(new, old):
    """In place, byte by byte as it were: halves of a file stand there for a while."""
    for half in "key", "chain":
        with open(new[half], "rb") as source, open(old[half], "wb") as out:
            content = source.read()
            for part in content[:len(content) // 2], content[len(content) // 2:]:
                out.write(part)
                out.flush()
                time.sleep(0.06)


def with_a_pause(new, old):
    """Long enough for the server to look at a pair that does not match."""
    os.rename(new["chain"], old["chain"])
    time.sleep(0.4)
    os.rename(new["key"], old["key"])


WAYS = [chain_first, key_first, in_steps, with_a_pause]


def copies(chains, folder, count):
    """Pairs for a.test of three kinds, to be used up."""
    made = [chains.make(["a.test"], kind) for kind in ("ec", "rsa", "ed25519")]
    for i in range(count):
        pair = {half: str(folder / f"copy{i}.{half}") for half in ("chain", "key")}
        for half, path in pair.items():
            shutil.copy(made[i % len(made)][half], path)
        yield pair


def test_no_handshake_fails_however_the_files_are_swapped(swapped, tmp_path):
    server, pairs = swapped
    other = shown(server, "b.test")
    with Handshakes(server, "a.test") as clients:
        for i, new in enumerate(copies(server.chains, tmp_path, SWAPS)):
            expected = der(new["chain"])
            WAYS[i % len(WAYS) if i % 8 > 3 else i % 2](new, pairs["a.test"])
            harness.wait_for(lambda: shown(server, "a.test") == expected or
                             clients.failures, f"certificate {i}")
            assert not clients.failures
    assert shown(server, "b.test") == other
    # What was only on its way to be good was no reason to complain.
    assert "is not that of the certificate" not in server.log
    assert tincan(server, "status").stderr == ""


def test_swaps_without_a_pause_fail_no_handshake_either(swapped, tmp_path):
    server, pairs = swapped
    with Handshakes(server, "a.test"):
        for i, new in enumerate(copies(server.chains, tmp_path, 5 * SWAPS)):
            expected = der(new["chain"])
            WAYS[i % 2](new, pairs["a.test"])
            time.sleep(0.005)
        harness.wait_for(lambda: shown(server, "a.test") == expected, "the last one")


def test_a_swap_is_seen_by_content_not_by_the_clock(swapped):
    server, pairs = swapped
    pair = pairs["a.test"]
    then = 1577836800
    for _ in range(3):
        new = server.chains.make(["a.test"])
        size = max(os.path.getsize(new["chain"]), os.path.getsize(pair["chain"]))
        for half in "chain", "key":
            with open(new[half], "rb") as source, open(pair[half], "r+b") as out:
                content = source.read()
                out.write(content.ljust(size + 50, b"\n"))
                out.truncate(size + 50)
            os.utime(pair[half], (then, then))
        harness.wait_for(lambda: shown(server, "a.test") == der(new["chain"]),
                         "the new certificate")


def tincan(server, command, *options):
    return harness.tincan(command, *options, "--config", server.config,
                          folder=server.folder)


def test_a_symbolic_link_that_is_turned_is_a_swap(start_server, tmp_path):
    chains = named.Certificates(tmp_path)
    for i in 1, 2:
        (tmp_path / f"{i}").mkdir()
        pair = chains.make(["a.test"])
        os.rename(pair["chain"], tmp_path / f"{i}/chain")
        os.rename(pair["key"], tmp_path / f"{i}/key")
    (tmp_path / "live").symlink_to("1")
    server = start_server(hosts=[host(["a.test"], {
        "chain": str(tmp_path / "live/chain"), "key": str(tmp_path / "live/key")})])
    (tmp_path / "next").symlink_to("2")
    os.rename(tmp_path / "next", tmp_path / "live")
    harness.wait_for(lambda: shown(server, "a.test") == der(tmp_path / "2/chain"),
                     "the new certificate")


def test_a_worker_that_starts_late_shows_what_was_good_last(swapped):
    server, pairs = swapped
    before = shown(server, "a.test")
    os.unlink(pairs["a.test"]["chain"])
    server.wait_log("cannot read")
    for worker in server.workers:
        os.kill(worker, 9)
    server.wait_log("died")
    harness.wait_for(lambda: len(server.workers) == 2, "workers")
    assert shown(server, "a.test") == before
    # Its key is still there.
    os.kill(keeper_of(server), 9)
    server.wait_log("the keeper .* died")
    assert shown(server, "a.test") == before
    assert "cannot read" in tincan(server, "status").stderr


def replace_keeper(server):
    pid = keeper_of(server)
    os.kill(pid, 9)
    server.wait_log(rf"the keeper \(pid {pid}\) died")


def states(server):
    return {x["names"] or x["chain"]: x["state"] for x in json.loads(
        tincan(server, "status", "--json").stdout)["certificates"]}


@pytest.mark.parametrize("half", ["gone", "new"])
def test_the_next_keeper_gets_the_key_whose_file_is_another(swapped, half):
    server, pairs = swapped
    pair = pairs["a.test"]
    before = shown(server, "a.test")
    new = server.chains.make(["a.test"])
    if half == "gone":
        os.unlink(pair["key"])
    else:
        os.rename(new["key"], pair["key"])
    # At once, and again when it is known that the pair is broken.
    replace_keeper(server)
    assert shown(server, "a.test") == before
    server.wait_log(f"'{pair['key']}' is another file now, or gone: the next keeper gets "
                    "the key from the one that it was")
    server.wait_log(f"the certificate that '{pair['chain']}' was before goes on")
    replace_keeper(server)
    assert shown(server, "a.test") == before
    assert "was before goes on" in tincan(server, "status").stderr
    assert states(server)["a.test"] == "kept"
    if half == "gone":
        os.rename(new["key"], pair["key"])
    os.rename(new["chain"], pair["chain"])
    harness.wait_for(lambda: shown(server, "a.test") == der(pair["chain"]), "the new one")
    assert tincan(server, "status").stderr == ""


def test_a_key_that_is_overwritten_is_lost_with_the_keeper(swapped):
    server, pairs = swapped
    pair = pairs["a.test"]
    before = shown(server, "a.test"), shown(server, "b.test")
    with open(pair["key"], "r+b") as file:
        key = file.read()
        file.seek(0)
        file.write(b"x" * len(key))
    server.wait_log("was before goes on")
    assert shown(server, "a.test") == before[0]
    replace_keeper(server)
    lost = f"the key of the certificate '{pair['chain']}' is lost"
    server.wait_log(lost)
    harness.wait_for(lambda: not serves(server, "a.test"), "nothing to be shown")
    assert shown(server, "b.test") == before[1]
    assert lost in tincan(server, "status").stderr
    assert states(server)[pair["chain"]] == "lost"
    with open(pair["key"], "r+b") as file:
        file.write(key)
    harness.wait_for(lambda: serves(server, "a.test"), "the old one")
    assert shown(server, "a.test") == before[0]
    assert tincan(server, "status").stderr == ""
    assert server.log.count(lost) == 1


def serves(server, name):
    try:
        return shown(server, name)
    except ssl.SSLError:
        return None


def test_what_stays_broken_is_told_once(swapped):
    server, pairs = swapped
    before = shown(server, "a.test")
    shutil.copy(pairs["b.test"]["key"], pairs["a.test"]["key"])
    server.wait_log("ERROR.*the key .* is not that of the certificate|"
                    '"level":"error".*the key .* is not that of the certificate')
    os.utime(pairs["a.test"]["key"])
    new = server.chains.make(["b.test"])
    chain_first(new, pairs["b.test"])
    harness.wait_for(lambda: shown(server, "b.test") == der(pairs["b.test"]["chain"]),
                     "the other certificate")
    states = [x["state"] for x in json.loads(
        tincan(server, "status", "--json").stdout)["certificates"]]
    assert states == ["good", "kept", "good"]
    assert server.log.count("is not that of the certificate") == 1
    assert shown(server, "a.test") == before


# What a file may be


@pytest.mark.parametrize("what, said", [
    ("fifo", "it is no regular file"), ("directory", "Is a directory"),
    ("empty", "it is empty"), ("large", "it is too large"),
    ("garbage", "cannot use the certificate"), ("cut", "cannot use the certificate")])
def test_whatever_a_certificate_is_costs_its_own_names_only(start_server, tmp_path, what,
                                                            said):
    chains = named.Certificates(tmp_path)
    good, bad = chains.make(["a.test"]), chains.make(["b.test"])
    path = bad["chain"]
    with open(path, "rb") as file:
        content = file.read()
    os.unlink(path)
    if what == "fifo":
        os.mkfifo(path)
    elif what == "directory":
        os.mkdir(path)
    elif what == "large":
        with open(path, "wb") as out:
            out.truncate(100 << 20)
    else:
        with open(path, "wb") as out:
            out.write({"empty": b"", "garbage": os.urandom(5000),
                       "cut": content[:len(content) // 2]}[what])
    server = start_server(hosts=[host(["a.test"], good), host(["b.test"], bad)])
    assert shown(server, "a.test") == der(good["chain"])
    with pytest.raises(ssl.SSLError, match="(?i)internal.error"):
        shown(server, "b.test")
    assert said in server.log and said in tincan(server, "status").stderr
    # It is served as soon as it is good.
    if what == "directory":
        os.rmdir(path)
    else:
        os.unlink(path)
    with open(path, "wb") as out:
        out.write(content)

    def served():
        try:
            return shown(server, "b.test") == der(path)
        except ssl.SSLError:
            return False

    harness.wait_for(served, "the certificate that was broken")
    assert tincan(server, "status").stderr == ""


@pytest.mark.parametrize("kind, said", [
    (["rsa:1024"], "too small"), (["ed448"], "not supported"),
    (["dsa"], "not supported")])
def test_keys_that_are_of_no_use_are_refused(start_server, tmp_path, kind, said):
    chains = named.Certificates(tmp_path)
    pair = {half: str(tmp_path / half) for half in ("chain", "key")}
    options = ["-newkey", *kind]
    if kind == ["dsa"]:
        parameters = tmp_path / "parameters"
        subprocess.run(["openssl", "genpkey", "-genparam", "-algorithm", "DSA",
                        "-pkeyopt", "dsa_paramgen_bits:1024", "-out", parameters],
                       check=True, stderr=subprocess.DEVNULL)
        options = ["-newkey", f"dsa:{parameters}"]
    subprocess.run(
        ["openssl", "req", "-x509", *options, "-noenc", "-subj", "/CN=x", "-addext",
         "subjectAltName=DNS:b.test", "-keyout", pair["key"], "-out", pair["chain"]],
        check=True, stderr=subprocess.DEVNULL)
    server = start_server(hosts=[host(["a.test"], chains.make(["a.test"])),
                                 host(["b.test"], pair)])
    shown(server, "a.test")
    assert said in server.log


def test_certificates_in_disorder_are_told(tmp_path, make_config):
    chains = named.Certificates(tmp_path)
    pair, other = chains.make(["a.test"]), chains.make(["b.test"])
    with open(other["chain"], encoding="ascii") as file:
        second = file.read()
    with open(pair["chain"], encoding="ascii") as file:
        first = file.read()
    for content, said in (
            (first + second, "warning: in the chain '{chain}' certificate 2 is not that "
             "of the issuer of certificate 1"),
            (second + first, "the key '{key}' is not that of the certificate"),
            (second + first, "hint: its own certificate must be the first")):
        with open(pair["chain"], "w", encoding="ascii") as out:
            out.write(content)
        (tmp_path / "server.json").write_text(json.dumps(
            make_config(certificates=[pair])))
        done = harness.tincan("check", folder=tmp_path)
        assert said.format(**pair) in done.stderr


def test_the_server_lives_on_what_is_left(start_server, tmp_path):
    """A certificate of its own that is missing at the start costs it no other."""
    chains = named.Certificates(tmp_path)
    server = start_server(certificates=[{"chain": str(tmp_path / "none.crt"),
                                         "key": str(tmp_path / "none.key")}],
                          hosts=[host(["a.test"], chains.make(["a.test"]))])
    assert shown(server, "a.test")
    with pytest.raises(ssl.SSLError, match="(?i)internal.error"):
        shown(server, "localhost")
    assert "none.crt': No such file" in tincan(server, "status").stderr


# Who expires


def test_what_expires_is_told_once_and_served(start_server, tmp_path):
    chains = named.Certificates(tmp_path)
    soon, over = chains.make(["a.test"], days=90), chains.make(["b.test"], days=90)
    backdate(soon, 85)
    backdate(over, 100)
    server = start_server(hosts=[host(["a.test"], soon), host(["b.test"], over)])
    assert shown(server, "a.test") == der(soon["chain"])
    assert shown(server, "b.test") == der(over["chain"])
    figures = server.get("/status").json["certificates"]
    states = {x["chain"]: x for x in json.loads(
        tincan(server, "status", "--json").stdout)["certificates"]}
    for pair, name, state in (soon, "a.test", "good"), (over, "b.test", "expired"):
        end = expiry(pair["chain"])
        assert figures[pair["chain"]] == {
            "tincan_certificate_expiry_timestamp_seconds": {name: end}}
        assert states[pair["chain"]] == {"names": name, "chain": pair["chain"],
                                         "state": state, "expires_s": end}
        day = time.strftime("%Y-%m-%d %H:%M", time.gmtime(end))
        assert re.search(rf"{re.escape(pair['chain'])} +{state} +{day} +{name}\n",
                         tincan(server, "status").stdout)
    for text in f"'{soon['chain']}' expires in less than 7 days, on", \
            f"'{over['chain']}' has expired, on":
        assert text in tincan(server, "status").stderr
        assert text in tincan(server, "check").stderr
        assert tincan(server, "reload").returncode == 0
        assert server.log.count(text) == 1


def expiry(chain):
    """When it ends, in seconds since 1970."""
    said = subprocess.run(["openssl", "x509", "-in", chain, "-noout", "-enddate"],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    return ssl.cert_time_to_seconds(said.strip().removeprefix("notAfter="))


def backdate(pair, days):
    """The certificate once more, begun so many days ago, for 90."""
    now = time.time()
    begin, end = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(now + offset * 86400))
                  for offset in (-days, 90 - days))
    request = f"{pair['chain']}.csr"
    folder = f"{pair['chain']}.ca"
    os.mkdir(folder)
    for name, text in ("index.txt", ""), ("serial", "01\n"), ("ca.conf", CA):
        with open(f"{folder}/{name}", "w", encoding="ascii") as out:
            out.write(text.replace("FOLDER", folder))
    subprocess.run(["openssl", "x509", "-x509toreq", "-copy_extensions", "copyall", "-in",
                    pair["chain"], "-key", pair["key"], "-out", request], check=True,
                   stderr=subprocess.DEVNULL)
    subprocess.run(["openssl", "ca", "-batch", "-selfsign", "-config",
                    f"{folder}/ca.conf", "-notext", "-keyfile", pair["key"], "-in",
                    request, "-out", pair["chain"], "-startdate", begin, "-enddate", end],
                   check=True, stderr=subprocess.DEVNULL)


CA = """[ca]
default_ca = own
[own]
database = FOLDER/index.txt
serial = FOLDER/serial
new_certs_dir = FOLDER
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = optional
"""
