# SPDX-License-Identifier: MIT
"""The keeper: the private keys are with it alone, and nobody waits for it but those who
need a signature."""

import concurrent.futures
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess

import pytest

import harness

KINDS = {
    "p256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p384": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    "rsa": ["-newkey", "rsa:2048"],
    "ed25519": ["-newkey", "ed25519"],
}


def make_key(folder, kind):
    subprocess.run(
        ["openssl", "req", "-x509", *KINDS[kind], "-noenc", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / f"{kind}.key",
         "-out", folder / f"{kind}.crt"], check=True, stderr=subprocess.DEVNULL)


def keeper_of(server):
    return next(pid for pid in harness.children(server.pid)
                if harness.command(pid)[0] == "tincan-keeper")


@pytest.fixture(scope="module", params=KINDS)
def kept(request, tmp_path_factory, make_config, certificates):
    """A server with one kind of key, and a handler in a worker and one in a host."""
    folder = tmp_path_factory.mktemp(request.param)
    make_key(folder, request.param)
    server = harness.Server(folder, make_config(
        certificates=[{"chain": f"{request.param}.crt", "key": f"{request.param}.key"}],
        workers=2), certificates)
    server.kind = request.param
    yield server
    server.stop()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_every_kind_of_key_signs_for_openssl(kept, version):
    said = kept.s_client(version, "-CAfile", kept.folder / f"{kept.kind}.crt", "-brief")
    assert "Verification: OK" in said


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_every_kind_of_key_signs_for_gnutls(kept, version):
    done = subprocess.run(
        ["gnutls-cli", "--x509cafile", kept.folder / f"{kept.kind}.crt",
         "--sni-hostname", "localhost", "--verify-hostname", "localhost",
         "--priority", f"NORMAL:-VERS-ALL:+VERS-TLS{version}", "-p", str(kept.port),
         kept.host], input="", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", timeout=harness.DEADLINE)
    assert "certificate is trusted" in done.stdout


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_every_kind_of_key_signs_for_curl(kept, version):
    done = subprocess.run(
        ["curl", "-sS", "--noproxy", "*", "--cacert", kept.folder / f"{kept.kind}.crt",
         f"--tlsv{version}", "--tls-max", version, "--resolve",
         f"localhost:{kept.port}:{kept.host}", kept.url("/hello/you")],
        stdout=subprocess.PIPE, timeout=harness.DEADLINE, check=True)
    assert done.stdout == b"Hello, you!\n"


def private_numbers(key):
    """What of a key is secret, in the forms in which it may lie in memory."""
    text = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    numbers = {}
    for name in ("priv", "privateExponent", "prime1", "prime2", "exponent1",
                 "exponent2", "coefficient"):
        found = re.search(rf"^{name}:\n((?:    .*\n)+)", text, re.MULTILINE)
        if found:
            digits = re.sub(r"[\s:]", "", found.group(1))
            numbers[name] = bytes.fromhex(digits).lstrip(b"\0")
    assert numbers, text
    forms = {}
    for name, number in numbers.items():
        forms[name] = number
        forms[name + " of the machine"] = number[::-1]
    der = subprocess.run(["openssl", "pkey", "-in", key, "-outform", "DER"],
                         stdout=subprocess.PIPE, check=True).stdout
    middle = key.read_text().splitlines()[1].encode()
    forms["DER"] = der[:48] if len(der) < 200 else der[400:448]
    forms["PEM"] = middle
    return forms


def memory(pid):
    """All that a process can read of itself."""
    parts = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, mode = line.split()[:2]
            start, end = (int(x, 16) for x in span.split("-"))
            if mode.startswith("rw") and end - start < 1 << 28:
                try:
                    mem.seek(start)
                    parts.append(mem.read(end - start))
                except OSError:
                    continue  # a device's, or a guard
    return b"".join(parts)


@pytest.mark.skipif(os.geteuid() != 0, reason="reads the memory of other processes")
@pytest.mark.skipif(harness.SANITIZED, reason="a sanitizer's shadow is too large to read")
def test_no_other_process_has_a_byte_of_a_key(kept):
    for version in ("-tls1_2", "-tls1_3") * 8:
        kept.s_client(version)
    forms = private_numbers(kept.folder / f"{kept.kind}.key")
    others = [kept.pid, *(pid for pid in harness.children(kept.pid)
                          if pid != keeper_of(kept))]
    assert len(others) >= 4  # master, workers, a host
    for pid in others:
        held = memory(pid)
        assert b"tincan" in held
        for form, number in forms.items():
            assert number not in held, f"{form} is in {harness.name(pid)}"
    # Else this test could not fail.
    held = memory(keeper_of(kept))
    assert any(number in held for number in forms.values())


@pytest.fixture
def server(start_server):
    return start_server(workers=1)


def status_of(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return dict(line.split(":\t", 1) for line in lines if ":\t" in line)


@pytest.mark.skipif(harness.SANITIZED, reason="the calls of a sanitizer are not refused")
def test_the_keeper_may_do_little(server):
    status = status_of(keeper_of(server))
    assert status["Seccomp"] == "2"
    assert status["NoNewPrivs"] == "1"
    if os.geteuid() == 0:
        assert status["Uid"].split() == ["65534"] * 4
        assert status["Groups"].strip() == ""
    assert int(status["VmLck"].split()[0]) >= 4096
    limits = pathlib.Path(f"/proc/{keeper_of(server)}/limits").read_text()
    assert re.search(r"Max core file size\s+0\s+0\s", limits)
    fds = {os.readlink(entry) for entry in
           pathlib.Path(f"/proc/{keeper_of(server)}/fd").iterdir()}
    assert not [fd for fd in fds if fd.endswith(".key")]


def test_what_kills_the_keeper_fails_no_handshake(server):
    first = keeper_of(server)
    with server.connect() as before:
        for _ in range(5):
            pid = keeper_of(server)
            os.kill(pid, signal.SIGSTOP)
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                clients = [pool.submit(server.get, "/hello/you") for _ in range(4)]
                harness.wait_for(lambda: len(server_sockets(server)) >= 5, "clients")
                os.kill(pid, signal.SIGKILL)
                assert [c.result().status for c in clients] == [200] * 4
        assert before.get("/hello/me").text == "Hello, me!\n"
    server.wait_log(rf"the keeper \(pid {first}\) died: signal 9")
    assert keeper_of(server) != first


def server_sockets(server):
    """The sockets of the worker's clients."""
    out = subprocess.run(["ss", "-Htn", "sport", f"= :{server.port}"],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    return [line for line in out.splitlines() if line.startswith("ESTAB")]


def test_a_slow_keeper_holds_up_nobody_who_is_connected(server):
    with server.connect() as client:
        os.kill(keeper_of(server), signal.SIGSTOP)
        try:
            with server.tcp() as waiting:
                waiting.sendall(client_hello())
                for _ in range(20):
                    assert client.get("/hello/me").status == 200
        finally:
            os.kill(keeper_of(server), signal.SIGCONT)


def client_hello(version=ssl.TLSVersion.TLSv1_3):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    context.maximum_version = version
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_clients_that_leave_while_they_wait_leave_nothing(kept, version):
    """Some while the keeper has not read what is asked for them, some when it has."""
    hello = client_hello(version)
    for number in range(60):
        if number == 30:
            os.kill(keeper_of(kept), signal.SIGSTOP)
        with kept.tcp() as client:
            client.sendall(hello)
    with kept.tcp() as client:
        client.sendall(hello)
        os.kill(keeper_of(kept), signal.SIGCONT)
        assert client.recv(5)[0] == 22
    assert "Verification: OK" in kept.s_client("-CAfile",
                                               kept.folder / f"{kept.kind}.crt", "-brief")


def test_a_handshake_that_waits_too_long_ends(start_server):
    server = start_server(timeouts={"handshake_ms": 200})
    keeper = keeper_of(server)
    os.kill(keeper, signal.SIGSTOP)
    with server.tcp() as client:
        client.settimeout(harness.DEADLINE)
        client.sendall(client_hello())
        assert client.recv(1) == b""
    os.kill(keeper, signal.SIGCONT)
    assert server.get("/hello/you").status == 200


def test_a_reload_takes_up_a_new_key(start_server, tmp_path):
    server = start_server()
    make_key(tmp_path, "p256")
    make_key(tmp_path, "rsa")
    for kind in ("p256", "rsa", "p256"):
        config = json.loads(server.config.read_text())
        config["certificates"] = [{"chain": str(tmp_path / f"{kind}.crt"),
                                   "key": str(tmp_path / f"{kind}.key")}]
        server.config.write_text(json.dumps(config))
        after = len(server.lines)
        server.signal(signal.SIGHUP)
        server.wait_log("generation .* serves", after)
        said = server.s_client("-CAfile", tmp_path / f"{kind}.crt", "-brief")
        assert "Verification: OK" in said


# A keeper that hangs


def tincan(server, *arguments):
    return harness.tincan(*arguments, "--config", server.config, folder=server.folder)


def unread(pid):
    """The bytes that its master has sent and the keeper not read."""
    inode = os.readlink(f"/proc/{pid}/fd/3").strip("socket:[]")
    out = subprocess.run(["ss", "-Hx"], stdout=subprocess.PIPE, text=True, check=True)
    return sum(int(queued) for _, _, queued, _, _, own, *_ in
               map(str.split, out.stdout.splitlines()) if own == inode)


@pytest.fixture
def hanging(start_server, tmp_path):
    """A server whose keeper does not answer, and a pair to renew its certificate."""
    for name in "old", "new":
        (tmp_path / name).mkdir()
        make_key(tmp_path / name, "p256")
    server = start_server(certificates=[{"chain": str(tmp_path / "old/p256.crt"),
                                         "key": str(tmp_path / "old/p256.key")}])
    server.keeper = keeper_of(server)
    os.kill(server.keeper, signal.SIGSTOP)
    return server


def trusts(server, chain):
    return "Verification: OK" in server.s_client("-CAfile", chain, "-brief")


def test_a_keeper_that_hangs_is_replaced(hanging, tmp_path):
    """Though it is given nothing: who waits for a signature gets it from the next."""
    assert trusts(hanging, tmp_path / "old/p256.crt")
    assert "the keeper does not answer: it is replaced" in hanging.log
    assert keeper_of(hanging) != hanging.keeper


def test_the_master_does_not_wait_for_a_renewal(hanging, tmp_path):
    for half in "key", "crt":
        os.rename(tmp_path / f"new/p256.{half}", tmp_path / f"old/p256.{half}")
    harness.wait_for(lambda: unread(hanging.keeper), "the new key on its way")
    assert json.loads(tincan(hanging, "status", "--json").stdout)["problems"] == []
    # What comes behind it is done with the next keeper.
    reload = subprocess.Popen([harness.TINCAN, "reload", "--config", hanging.config],
                              cwd=hanging.folder, stdin=subprocess.DEVNULL)
    assert tincan(hanging, "status").returncode == 0
    assert "does not answer" not in hanging.log
    hanging.wait_log("the keeper does not answer: it is replaced")
    hanging.wait_log("certificates are not renewed: the keeper does not answer")
    assert reload.wait(harness.DEADLINE) == 0
    assert trusts(hanging, tmp_path / "old/p256.crt")
    assert keeper_of(hanging) != hanging.keeper
    assert tincan(hanging, "status").stderr == ""


def test_a_reload_that_the_keeper_does_not_follow_is_refused(hanging, tmp_path):
    before = hanging.config.read_text()
    config = json.loads(before)
    config["certificates"] = [{"chain": str(tmp_path / "new/p256.crt"),
                               "key": str(tmp_path / "new/p256.key")}]
    hanging.config.write_text(json.dumps(config))
    with subprocess.Popen([harness.TINCAN, "reload", "--config", hanging.config],
                          cwd=hanging.folder, stdin=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, text=True) as reload:
        harness.wait_for(lambda: unread(hanging.keeper), "the new key on its way")
        assert tincan(hanging, "status").returncode == 0
        assert reload.poll() is None and "does not answer" not in hanging.log
        said = reload.communicate(timeout=harness.DEADLINE)[1]
        assert reload.returncode == 1
    assert "its keys cannot be taken over: the keeper does not answer" in said
    # The old ones are still in force; the next keeper takes the new ones.
    assert trusts(hanging, tmp_path / "old/p256.crt")
    assert tincan(hanging, "reload").returncode == 0
    assert trusts(hanging, tmp_path / "new/p256.crt")


def test_a_keeper_that_dies_over_a_reload_costs_nothing(hanging, tmp_path):
    config = json.loads(hanging.config.read_text())
    config["certificates"] = [{"chain": str(tmp_path / "new/p256.crt"),
                               "key": str(tmp_path / "new/p256.key")}]
    hanging.config.write_text(json.dumps(config))
    with subprocess.Popen([harness.TINCAN, "reload", "--config", hanging.config],
                          cwd=hanging.folder, stdin=subprocess.DEVNULL) as reload:
        harness.wait_for(lambda: unread(hanging.keeper), "the new key on its way")
        os.kill(hanging.keeper, signal.SIGKILL)
        assert reload.wait(harness.DEADLINE) == 0
    assert trusts(hanging, tmp_path / "new/p256.crt")


def test_a_server_stops_beside_a_keeper_that_hangs(server):
    os.kill(keeper_of(server), signal.SIGSTOP)
    server.stop()
