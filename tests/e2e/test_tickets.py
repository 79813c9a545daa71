# SPDX-License-Identifier: MIT
"""Session tickets: which server of a fleet resumes what, and for how long."""

import json
import os
import pathlib
import re
import signal
import ssl
import subprocess

import pytest

import harness
import test_keeper

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
REQUEST = "GET /hello/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


def context_of(server, version):
    context = server.context()
    context.minimum_version = context.maximum_version = VERSIONS[version]
    return context


def begin(server, context):
    """A session that can be resumed, perhaps."""
    with server.connect(context) as client:
        client.get("/hello/x")  # TLS 1.3 sends its tickets after the handshake
        return client.sock.session


def resumes(server, context, session):
    """Does the server go on with it? If not, it must begin another without a word."""
    with server.connect(context, session) as client:
        assert client.get("/hello/x").text == "Hello, x!\n"
        return client.sock.session_reused


def all_resume(server, context, session):
    """So often that each worker has its turn."""
    return all(resumes(server, context, session) for _ in range(8))


def write_secret(path, text, mode=0o600):
    """In one step, as tools that hand out secrets do it."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.chmod(mode)
    new.rename(path)


def random_hex(size):
    return os.urandom(size).hex() + "\n"


def tickets(server):
    done = harness.tincan("status", "--json", "--config", server.config)
    return json.loads(done.stdout)["tickets"]


def status(server):
    return harness.tincan("status", "--config", server.config).stdout


def figure(server, name):
    return server.get("/status").json["server"][name]


@pytest.fixture(scope="module")
def common(tmp_path_factory, make_config, certificates):
    server = harness.Server(tmp_path_factory.mktemp("tickets"), make_config(),
                            certificates)
    yield server
    server.stop()


# Who resumes


def test_openssl_resumes(common, version, tmp_path):
    arguments = ["-tls" + version.replace(".", "_"), "-ign_eof"]
    ticket = tmp_path / "session.pem"
    said = common.s_client(*arguments, "-sess_out", ticket, text=REQUEST)
    assert "New, " in said and "lifetime hint: 43200 (seconds)" in said
    for _ in range(4):
        said = common.s_client(*arguments, "-sess_in", ticket, text=REQUEST)
        assert "Reused, " in said and "Hello, x!" in said


def test_gnutls_resumes(common, version):
    done = subprocess.run(
        ["gnutls-cli", "--x509cafile", common.certificates / "ca.crt", "--resume",
         "--waitresumption", "--sni-hostname", "localhost", "--verify-hostname",
         "localhost", "--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}", "-p",
         str(common.port), common.host], input="", stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
        timeout=harness.DEADLINE, check=False)
    assert "This is a resumed session" in done.stdout, done.stdout


def test_curl_resumes(common):
    """Two connections of one curl. By TLS 1.2 it takes no tickets."""
    said = common.curl("/echo", "--tlsv1.3", "--http1.1", "--header", "Connection: close",
                       common.url("/echo")).decode()
    assert said.count('"resumed":false') == 1
    assert said.count('"resumed":true') == 1


def test_who_resumes_by_tls_1_3_gets_one_new_ticket_each_time(common):
    context = context_of(common, "1.3")
    session = begin(common, context)
    before = figure(common, "tincan_tickets_total")
    for _ in range(3):  # each ticket once, as RFC 8446 section C.4 wants it
        with common.connect(context, session) as client:
            client.get("/hello/x")
            assert client.sock.session_reused
            session = client.sock.session
    # And one for whoever asks for the figure.
    assert figure(common, "tincan_tickets_total") == before + 3 + 1


def test_who_resumes_by_tls_1_2_keeps_the_ticket(common):
    context = context_of(common, "1.2")
    session = begin(common, context)
    before = figure(common, "tincan_tickets_total")
    assert resumes(common, context, session)
    assert figure(common, "tincan_tickets_total") == before + 1


def test_status_tells_of_the_keys(common):
    told = tickets(common)
    assert (told["source"], told["keys"], told["lifetime_s"]) == ("own", 1, 43200)
    assert told["file"] is None and told["problem"] is None
    assert figure(common, "tincan_ticket_keys") == 1
    text = common.get("/status?format=prometheus").text
    assert float(re.search(r"^tincan_ticket_key_since_seconds (\S+)$", text,
                           re.MULTILINE).group(1)) > 1.7e9
    shown = harness.tincan("status", "--config", common.config).stdout
    assert "session tickets: keys of its own, 1 accepted, the newest " in shown


# What they outlive


def test_sessions_outlive_reloads_and_every_worker(start_server, version):
    server = start_server()
    context = context_of(server, version)
    session = begin(server, context)
    done = harness.tincan("reload", "--config", server.config)
    assert done.returncode == 0, done.stderr
    assert all_resume(server, context, session)
    for pid in server.workers:
        os.kill(pid, signal.SIGKILL)
        harness.wait_for(lambda pid=pid: pid not in server.workers
                         and len(server.workers) == 2, "another worker")
    harness.wait_for(lambda: all(
        x["state"] == "serving" for x in json.loads(harness.tincan(
            "status", "--json", "--config", server.config).stdout)["workers"]),
        "workers that serve")
    assert all_resume(server, context, session)


def test_keys_change_by_themselves_and_go_in_time(start_server):
    """A lifetime of 8 s: a key each 2 s, 5 of them in the end."""
    server = start_server(tls={"tickets": {"lifetime_s": 8}})
    context = context_of(server, "1.2")
    session = begin(server, context)
    harness.wait_for(lambda: tickets(server)["keys"] >= 2, "the second key")
    before = figure(server, "tincan_tickets_total")
    assert resumes(server, context, session)
    # A ticket of a key that seals no more is replaced.
    assert figure(server, "tincan_tickets_total") == before + 2
    harness.wait_for(lambda: not resumes(server, context, session), "the end of it")
    assert 2 <= tickets(server)["keys"] <= 5


# Fleets


def test_servers_with_the_same_file_resume_each_others_sessions(start_server, tmp_path):
    write_secret(tmp_path / "keys", random_hex(80))
    write_secret(tmp_path / "others", random_hex(80))
    first, second, stranger = (
        start_server(tls={"tickets": {"key_file": str(tmp_path / name)}}, workers=1)
        for name in ("keys", "keys", "others"))
    for count, version in enumerate(VERSIONS, 1):
        context = context_of(first, version)
        session = begin(first, context)
        assert resumes(second, context, session)
        assert not resumes(stranger, context, session)
        assert figure(stranger, "tincan_tickets_unknown_total") == count
    assert tickets(first)["source"] == "file"


def test_servers_with_the_same_secret_resume_each_others_sessions(start_server, tmp_path):
    secret = random_hex(32)
    write_secret(tmp_path / "secret", secret)
    write_secret(tmp_path / "same", secret.strip())
    write_secret(tmp_path / "another", random_hex(32))
    first, second, stranger = (
        start_server(tls={"tickets": {"secret_file": str(tmp_path / name)}}, workers=1)
        for name in ("secret", "same", "another"))
    for version in VERSIONS:
        context = context_of(first, version)
        session = begin(first, context)
        assert resumes(second, context, session)
        assert not resumes(stranger, context, session)
    assert tickets(first)["source"] == "secret" and tickets(first)["keys"] == 7
    # Another secret in the file: from then on they are strangers.
    write_secret(tmp_path / "same", random_hex(32))
    harness.wait_for(lambda: not resumes(second, context, session), "the other secret")


def test_a_file_that_changes_is_read_anew_if_it_is_good(start_server, tmp_path):
    path = tmp_path / "keys"
    old, new = random_hex(80), random_hex(80)
    write_secret(path, old)
    server = start_server(tls={"tickets": {"key_file": str(path)}})
    context = context_of(server, "1.2")
    session = begin(server, context)

    write_secret(path, new + old)
    harness.wait_for(lambda: tickets(server)["keys"] == 2, "the new key")
    assert all_resume(server, context, session)
    newer = begin(server, context)

    for text, mode, why in (("garbage\n", 0o600, "expected a key of 160 hexadecimal"),
                            (new, 0o644, "it is open to everybody (mode 644)"),
                            ("", 0o600, "there is no key in it")):
        write_secret(path, text, mode)
        harness.wait_for(lambda why=why: why in (tickets(server)["problem"] or ""), why)
        server.wait_log(re.escape(why))
        told = status(server)
        assert f"\nsession tickets: keys by the file '{path}', 2 accepted" in told
        assert re.search(rf"\nsession tickets: .*{re.escape(why)}", told)
        assert all_resume(server, context, session)
    path.unlink()
    server.wait_log("No such file or directory; the keys of session tickets stay")
    assert all_resume(server, context, session)

    write_secret(path, new)
    harness.wait_for(lambda: tickets(server)["problem"] is None, "the good file")
    assert tickets(server)["keys"] == 1
    assert not resumes(server, context, session)
    assert all_resume(server, context, newer)


@pytest.mark.skipif(os.geteuid() != 0, reason="reads the memory of other processes")
@pytest.mark.skipif(harness.SANITIZED, reason="a sanitizer's shadow is too large to read")
def test_no_host_and_no_keeper_has_the_keys(start_server, tmp_path):
    write_secret(tmp_path / "keys", random_hex(80))
    server = start_server(tls={"tickets": {"key_file": str(tmp_path / "keys")}})
    context = server.context()
    assert resumes(server, context, begin(server, context))
    key = bytes.fromhex((tmp_path / "keys").read_text())[16:48]
    assert key in test_keeper.memory(server.pid)  # so it would be found
    others = [pid for pid in harness.children(server.pid) if pid not in server.workers]
    assert len(others) >= 3
    for pid in others:
        assert key not in test_keeper.memory(pid), harness.command(pid)
        # Nor the page, which who can only read it has, too.
        assert "/dev/zero" not in pathlib.Path(f"/proc/{pid}/maps").read_text()
    for pid in server.workers:
        assert key not in test_keeper.memory(pid), "a copy in a worker"
        assert "r--s" in pathlib.Path(f"/proc/{pid}/maps").read_text()


# Off, and what is refused


def test_without_tickets_nothing_is_resumed(start_server, version):
    server = start_server(tls={"tickets": False})
    context = context_of(server, version)
    with server.connect(context) as client:
        client.get("/hello/x")
        assert not client.sock.session.has_ticket
        session = client.sock.session
    assert not resumes(server, context, session)
    assert tickets(server)["source"] == "off"
    assert "\nsession tickets: off\n" in status(server)
    assert figure(server, "tincan_tickets_total") == 0


def test_switching_them_off_and_on_needs_no_restart(start_server, version):
    server = start_server()
    context = context_of(server, version)
    session = begin(server, context)
    config = json.loads(server.config.read_text())
    for setting, works in ((False, False), ({"lifetime_s": 60}, False)):
        server.config.write_text(json.dumps({**config, "tls": {"tickets": setting}}))
        assert harness.tincan("reload", "--config", server.config).returncode == 0
        assert resumes(server, context, session) is works
    assert all_resume(server, context, begin(server, context))


@pytest.mark.parametrize("key, text, mode, problem", [
    ("key_file", "123\n", 0o600, "keys:1: expected a key of 160 hexadecimal digits"),
    ("key_file", "ab" * 80, 0o604, "server.json:1: tls.tickets.key_file: cannot use "
     "'keys': it is open to everybody (mode 604)"),
    ("secret_file", "short\n", 0o600,
     "keys: expected a secret of 32 bytes at least, found 5"),
    ("secret_file", "x" * 20000, 0o600, "server.json:1: tls.tickets.secret_file: cannot "
     "use 'keys': it is too large"),
    ("key_file", None, 0, "server.json:1: tls.tickets.key_file: cannot use 'keys': No "
     "such file or directory"),
])
def test_a_bad_file_is_told_before_it_is_served(tmp_path, key, text, mode, problem):
    if text is not None:
        write_secret(tmp_path / "keys", text, mode)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "server.json").write_text(
        json.dumps({"tls": {"tickets": {key: "keys"}}}))
    done = harness.tincan("check", "--config", "server.json", folder=tmp_path)
    assert done.returncode == 2
    assert problem in (done.stdout + done.stderr).splitlines()
