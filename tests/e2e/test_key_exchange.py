# SPDX-License-Identifier: MIT
"""Groups of the key exchange, and the log of what it ends in."""

import json
import re
import signal
import stat
import subprocess

import pytest

import harness

HYBRID = "X25519MLKEM768"


def has_hybrid():
    """Is the OpenSSL of this machine 3.5 or later?"""
    version = subprocess.run(["openssl", "version"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.split()[1]
    return [int(x) for x in version.split(".")[:2]] >= [3, 5]


@pytest.fixture
def server(start_server):
    return start_server(workers=1)


def reload(server, until="generation .* serves", **tls):
    """With that in "tls"; waits for such a line."""
    config = json.loads(server.config.read_text())
    config["tls"] = tls
    server.config.write_text(json.dumps(config))
    after = len(server.lines)
    server.signal(signal.SIGHUP)
    server.wait_log(until, after)


def secrets(text):
    """The lines of a key log, but comments."""
    return {line for line in text.splitlines() if line and not line.startswith("#")}


def test_the_key_log_is_what_the_client_says(server):
    ours, theirs = server.folder / "keys.log", server.folder / "client.log"
    server.get("/hello/you")
    reload(server, key_log="keys.log")
    server.wait_log("tls.key_log: the secrets of all connections .* decrypt")
    assert stat.S_IMODE(ours.stat().st_mode) == 0o600
    assert ours.read_text() == ""  # nothing of the handshake before
    for version, labels in (("-tls1_3", {"SERVER_HANDSHAKE_TRAFFIC_SECRET",
                                         "CLIENT_TRAFFIC_SECRET_0"}),
                            ("-tls1_2", {"CLIENT_RANDOM"})):
        theirs.write_text("")
        before = secrets(ours.read_text())
        server.s_client(version, "-keylogfile", theirs)
        harness.wait_for(lambda: secrets(theirs.read_text()), "the client's log")
        fresh = secrets(ours.read_text()) - before
        assert secrets(theirs.read_text()) <= fresh
        assert labels <= {line.split()[0] for line in fresh}
    reload(server)
    size = ours.stat().st_size
    server.s_client()
    assert ours.stat().st_size == size


def test_a_key_log_that_others_may_read_is_refused(server):
    log = server.folder / "keys.log"
    log.write_text("")
    log.chmod(0o644)
    refused = "tls.key_log: cannot write '.*keys.log': "
    reload(server, refused + "others may read or write it", key_log="keys.log")
    assert server.get("/hello/you").status == 200
    log.unlink()
    log.symlink_to("elsewhere")
    reload(server, refused + "Too many levels", key_log="keys.log")


def test_check_warns_of_a_key_log(server):
    reload(server, key_log="keys.log")
    done = harness.tincan("check", "--config", server.config)
    assert done.returncode == 0
    assert "warning: the secrets of all connections" in done.stderr + done.stdout


def group(server, *arguments):
    said = server.s_client("-tls1_3", *arguments)
    found = re.search(r"Negotiated TLS1.3 group: (\S+)|"
                      r"(?:Server|Peer) Temp Key: (?:ECDH, )?([^,\n]+)", said)
    name = found and (found.group(1) or found.group(2))
    return {"secp384r1": "P-384", "<NULL>": None}.get(name, name)


def test_the_groups_are_those_of_the_configuration(server):
    assert group(server, "-groups", "X25519") == "X25519"
    reload(server, groups=["P-384"])
    assert group(server, "-groups", "X25519") is None
    assert group(server, "-groups", "X25519:P-384") == "P-384"


def test_a_group_that_openssl_does_not_have_is_named(server):
    if has_hybrid():
        pytest.skip("this OpenSSL has them all")
    reload(server, rf"tls.groups\[1\]: OpenSSL \S+ does not have the group '{HYBRID}'",
           groups=["X25519", HYBRID])
    assert server.get("/hello/you").status == 200


@pytest.mark.skipif(not has_hybrid(), reason="needs OpenSSL 3.5")
def test_the_hybrid_comes_first_where_openssl_has_it(server):
    assert group(server) == HYBRID
    assert group(server, "-groups", "X25519") == "X25519"
