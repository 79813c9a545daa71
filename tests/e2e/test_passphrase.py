# SPDX-License-Identifier: MIT
"""Private keys that are encrypted, and the commands that print what decrypts them."""

import json
import os
import signal
import subprocess

import pytest

import harness
import named
from test_keeper import keeper_of, memory
from test_renewal import der, host, shown

SECRET = "correct-horse-battery-staple"


def encrypt(pair, secret=SECRET, form="pkcs8"):
    """Encrypts its key in place."""
    options = {"pkcs8": ["pkey", "-aes256"], "scrypt": ["pkcs8", "-topk8", "-scrypt"],
               "legacy": ["ec", "-aes128"]}[form]
    clear = f"{pair['key']}.clear"
    os.rename(pair["key"], clear)
    subprocess.run(["openssl", *options, "-in", clear, "-out", pair["key"], "-passout",
                    f"pass:{secret}"], check=True, stderr=subprocess.DEVNULL)
    os.unlink(clear)
    return pair


def with_command(pair, *words):
    return {**pair, "passphrase_command": [*words]}


def ask(secret=SECRET):
    return "printf", "%s\\nnot this\\n", secret


@pytest.fixture
def chains(tmp_path):
    return named.Certificates(tmp_path)


@pytest.mark.parametrize("form", ["pkcs8", "scrypt", "legacy"])
def test_an_encrypted_key_signs(start_server, chains, form):
    pair = encrypt(chains.make(["a.test"]), form=form)
    with open(pair["key"], encoding="ascii") as file:
        assert "ENCRYPTED" in file.read()
    server = start_server(certificates=[with_command(pair, *ask())])
    assert shown(server, "a.test") == der(pair["chain"])


@pytest.fixture
def check(chains, tmp_path, make_config):
    """What is said of an encrypted key with these words for a command, or with none."""
    pair = encrypt(chains.make(["a.test"]))

    def run(*words):
        certificate = with_command(pair, *words) if words else pair
        (tmp_path / "server.json").write_text(json.dumps(
            make_config(certificates=[certificate])))
        done = harness.tincan("check", folder=tmp_path)
        assert done.returncode == (0 if "no problems" in done.stdout else 2)
        return done.stdout + done.stderr

    run.key = pair["key"]
    return run


def test_check_decrypts_it(check):
    assert "no problems" in check(*ask())


def test_an_encrypted_key_without_a_command_is_told(check):
    said = check()
    assert f"certificates[0]: the key '{check.key}' is encrypted\n" in said
    assert "hint: 'passphrase_command' names a program" in said


@pytest.mark.parametrize("words, what", [
    (ask("wrong"), "certificates[0]: what 'passphrase_command' has printed does not "
     "decrypt the key '{key}'"),
    (("sh", "-c", "echo no vault >&2; exit 3"), "certificates[0].passphrase_command: "
     "'sh' ended with status 3: no vault"),
    (("true",), "certificates[0].passphrase_command: 'true' has printed nothing"),
    (("./none",), "certificates[0].passphrase_command: './none' ended with status 127: "
     "No such file or directory"),
    (("head", "-c", "3000", "/dev/zero"), "'head' has printed nothing"),
    (("sh", "-c", "kill $$"), "'sh' was ended by signal 15")])
def test_what_a_command_does_wrong_is_told(check, words, what):
    said = check(*words)
    assert what.format(key=check.key) in said
    assert said.count("certificates[0]") == 1


@pytest.mark.skipif(os.environ.get("TINCAN_LONG") != "1", reason="takes ten seconds")
def test_a_command_that_takes_too_long_is_ended(check):
    assert "'sleep' took longer than 10 s" in check("sleep", "1000")


def test_a_program_is_found_beside_the_file_that_names_it(check, tmp_path):
    program = tmp_path / "ask"
    program.write_text(f"#!/bin/sh\necho {SECRET}\n")
    program.chmod(0o700)
    assert "no problems" in check("./ask")


def test_a_command_that_fails_costs_its_own_names_only(start_server, chains):
    good = chains.make(["a.test"])
    bad = encrypt(chains.make(["b.test"]))
    server = start_server(hosts=[host(["a.test"], good),
                                 host(["b.test"], with_command(bad, "false"))])
    assert shown(server, "a.test") == der(good["chain"])
    assert "passphrase_command: warning: 'false' ended with status 1" in server.log


@pytest.fixture
def asked(start_server, chains, tmp_path):
    """A server that reads its passphrase from a file, and counts how often it does."""
    (tmp_path / "secret").write_text(SECRET)
    pair = encrypt(chains.make(["a.test"]))
    words = ("sh", "-c", f"echo >> {tmp_path}/count; exec cat {tmp_path}/secret")
    server = start_server(hosts=[host(["a.test"], with_command(pair, *words)),
                                 host(["b.test"], with_command(pair, *words))])
    server.chains = chains
    server.pair = pair
    server.asked = lambda: len((tmp_path / "count").read_text())
    server.secret = tmp_path / "secret"
    return server


def test_a_renewal_asks_again(asked):
    assert asked.asked() == 1
    new = encrypt(asked.chains.make(["a.test"]), "another one")
    asked.secret.write_text("another one")
    os.rename(new["key"], asked.pair["key"])
    os.rename(new["chain"], asked.pair["chain"])
    harness.wait_for(lambda: shown(asked, "a.test") == der(asked.pair["chain"]),
                     "the new certificate")


def test_a_reload_asks_again_but_a_change_of_plugins_does_not(asked):
    done = harness.tincan("reload", "--config", asked.config, folder=asked.folder)
    assert done.returncode == 0
    assert asked.asked() == 2
    assert shown(asked, "b.test") == der(asked.pair["chain"])


def test_the_next_keeper_decrypts_a_key_whose_file_is_another(asked):
    before = der(asked.pair["chain"])
    os.rename(asked.chains.make(["a.test"])["key"], asked.pair["key"])
    asked.wait_log("was before goes on")
    os.kill(keeper_of(asked), signal.SIGKILL)
    asked.wait_log("the keeper .* died")
    harness.wait_for(lambda: is_shown(asked, before), "the key")


def is_shown(server, certificate):
    try:
        return shown(server, "a.test") == certificate
    except OSError:
        return False


def test_a_keeper_that_is_replaced_is_told_again(asked):
    os.kill(keeper_of(asked), signal.SIGKILL)
    asked.wait_log("the keeper .* died")
    harness.wait_for(lambda: asked.asked() == 2, "the command")
    harness.wait_for(lambda: is_shown(asked, der(asked.pair["chain"])), "the key")


@pytest.mark.skipif(os.geteuid() != 0, reason="reads the memory of other processes")
@pytest.mark.skipif(harness.SANITIZED, reason="a sanitizer's shadow is too large to read")
def test_no_other_process_has_the_passphrase(start_server, chains):
    # The configuration must not have it either.
    secret = chains.folder / "secret"
    secret.write_text(SECRET)
    pair = encrypt(chains.make(["a.test"]))
    server = start_server(certificates=[with_command(pair, "cat", str(secret))])
    assert shown(server, "a.test") == der(pair["chain"])
    pids = [server.pid, *harness.children(server.pid)]
    assert len(pids) >= 4
    for pid in pids:
        held = memory(pid)
        assert b"tincan" in held
        assert SECRET.encode() not in held, harness.name(pid)
