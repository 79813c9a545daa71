# SPDX-License-Identifier: MIT
"""The TLS side: versions, ciphers, ALPN, resumption, and peers that speak none."""

import socket
import ssl
import subprocess

import pytest

import harness


# Versions and ciphers: Mozilla's intermediate policy


@pytest.mark.parametrize("option, version", [
    ("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
def test_speaks(server, option, version):
    said = server.s_client(option, "-brief")
    assert f"Protocol version: {version}" in said
    assert "Verification: OK" in said


@pytest.mark.parametrize("option", ["-tls1", "-tls1_1"])
def test_refuses_old_versions_with_an_alert(server, option):
    said = server.s_client(option, "-cipher", "ALL:@SECLEVEL=0")
    assert "alert protocol version" in said


@pytest.mark.parametrize("cipher", [
    "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_takes_modern_ciphers(server, cipher):
    said = server.s_client("-tls1_2", "-cipher", cipher, "-brief")
    assert f"Ciphersuite: {cipher}" in said


@pytest.mark.parametrize("cipher", [
    "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-ECDSA-AES128-CCM", "aNULL", "eNULL"])
def test_refuses_weak_ciphers(server, cipher):
    said = server.s_client("-tls1_2", "-cipher", cipher + ":@SECLEVEL=0", "-brief")
    assert "alert handshake failure" in said


@pytest.fixture(scope="module")
def rsa_server(tmp_path_factory, make_config, certificates):
    """A server with an RSA key: it could do what only such a key can."""
    folder = tmp_path_factory.mktemp("rsa")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-subj",
         "/CN=localhost", "-keyout", folder / "rsa.key", "-out", folder / "rsa.crt"],
        check=True, stderr=subprocess.DEVNULL)
    server = harness.Server(folder, make_config(certificates=[
        {"chain": "rsa.crt", "key": "rsa.key"}]), certificates)
    yield server
    server.stop()


@pytest.mark.parametrize("cipher", [
    "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-CHACHA20-POLY1305",
    "DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384"])
def test_takes_modern_ciphers_with_rsa(rsa_server, cipher):
    said = rsa_server.s_client("-tls1_2", "-cipher", cipher, "-brief")
    assert f"Ciphersuite: {cipher}" in said


@pytest.mark.parametrize("cipher", [
    "AES128-GCM-SHA256", "AES256-SHA", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA",
    "DHE-RSA-AES128-SHA256", "DHE-RSA-AES256-SHA", "CAMELLIA128-SHA"])
def test_refuses_static_keys_and_cbc_with_rsa(rsa_server, cipher):
    said = rsa_server.s_client("-tls1_2", "-cipher", cipher + ":@SECLEVEL=0", "-brief")
    assert "alert handshake failure" in said


@pytest.mark.parametrize("suite", [
    "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
def test_takes_the_suites_of_tls_1_3(server, suite):
    said = server.s_client("-tls1_3", "-ciphersuites", suite, "-brief")
    assert f"Ciphersuite: {suite}" in said


def test_min_version_can_be_raised(start_server):
    server = start_server(tls={"min_version": "1.3"})
    assert "alert protocol version" in server.s_client("-tls1_2")
    assert server.get("/hello/x").status == 200


def test_no_compression(server):
    said = server.s_client("-tls1_2", "-comp")
    assert "Compression: NONE" in said


def test_no_renegotiation(server):
    said = server.s_client("-tls1_2", text="R\n")
    assert "RENEGOTIATING" in said
    assert "no renegotiation" in said


def test_certificate_is_the_configured_one(server, certificates):
    with server.connect() as client:
        sent = client.sock.getpeercert(binary_form=True)
    pem = (certificates / "localhost.crt").read_text()
    assert sent == ssl.PEM_cert_to_DER_cert(pem[pem.index("-----BEGIN"):])


# ALPN (RFC 7301)


@pytest.mark.parametrize("offered", [["h2"], ["h2", "http/1.1"],
                                     ["spdy/3", "http/1.1", "h2"]])
def test_alpn_prefers_h2(server, offered):
    context = server.context()
    context.set_alpn_protocols(offered)
    with server.connect(context) as client:
        assert client.sock.selected_alpn_protocol() == "h2"


@pytest.mark.parametrize("offered", [["http/1.1"], ["spdy/3", "http/1.1"]])
def test_alpn_chooses_http_1_1(server, offered):
    context = server.context()
    context.set_alpn_protocols(offered)
    with server.connect(context) as client:
        assert client.sock.selected_alpn_protocol() == "http/1.1"
        assert client.get("/echo").json["tls"]["alpn"] == "http/1.1"


def test_without_alpn_it_is_http_1_1(server):
    with server.connect() as client:
        assert client.sock.selected_alpn_protocol() is None
        assert client.get("/hello/x").status == 200


def test_alpn_without_a_common_protocol_is_refused(server):
    said = server.s_client("-alpn", "imap")
    assert "alert no application protocol" in said


# Resumption


def resume(server, version):
    """Begins a session, then resumes it until both workers have been met."""
    context = server.context()
    context.minimum_version = context.maximum_version = version
    with server.connect(context) as client:
        client.get("/hello/x")  # TLS 1.3 sends its tickets after the handshake
        session = client.sock.session
    resumed = []
    for _ in range(16):
        with server.connect(context, session) as client:
            told = client.get("/echo").json["tls"]["resumed"]
            assert told is client.sock.session_reused
            resumed.append(client.sock.session_reused)
            session = client.sock.session
    return resumed


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_by_any_worker(start_server, version):
    server = start_server(workers=4)
    assert all(resume(server, version))
    workers = server.get("/status").json["workers"].values()
    assert sum(x["tincan_handshakes_resumed_total"] > 0 for x in workers) > 1


def test_s_client_resumes(server, tmp_path):
    ticket = tmp_path / "session.pem"
    request = "GET /hello/x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    server.s_client("-sess_out", ticket, "-ign_eof", text=request)
    said = server.s_client("-sess_in", ticket, "-ign_eof", text=request)
    assert "Reused, TLSv1.3" in said
    assert "Hello, x!" in said


# The end of a connection


def test_says_close_notify_before_it_closes(server):
    context = server.context()
    sock = context.wrap_socket(server.tcp(), server_hostname="localhost",
                               suppress_ragged_eofs=False)
    with harness.Client(sock) as client:
        client.start("GET", "/hello/x", "Connection: close")
        assert client.read_reply().status == 200
        assert client.ended()  # raises SSLEOFError if cut short


def test_serves_a_request_behind_which_the_client_has_closed(server):
    with server.connect() as client:
        client.start("GET", "/hello/x", "Connection: close")
        assert client.read_reply().text == "Hello, x!\n"
        client.sock.unwrap()


# Peers that speak something else


def say_plain(server, data):
    """What comes back on a bare TCP connection, until its end."""
    with server.tcp() as sock:
        sock.sendall(data)
        said = b""
        while data := sock.recv(4096):
            said += data
        return said


@pytest.mark.parametrize("request_line", [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"POST /x HTTP/1.0\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\n\r\n"])
def test_plain_http_gets_a_readable_400(server, request_line):
    head, body = say_plain(server, request_line).split(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\ncontent-length: %d\r\n" % len(body) in head.lower()
    assert b"https://" in body


@pytest.mark.parametrize("garbage", [
    b"\x00" * 100, b"\x16\x03\x01\xff\xff" + b"\x00" * 200,
    b"\x80\x2e\x01\x03\x01" + b"\x55" * 60,
    b"\x15\x03\x01\x00\x02\x02\x28", b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
    b"\xff" * 70000])
def test_garbage_is_answered_with_an_alert_or_the_end(server, garbage):
    try:
        said = say_plain(server, garbage)
    except ConnectionResetError:
        said = b""
    assert said == b"" or said[0] == 0x15
    assert server.get("/hello/x").status == 200


def test_garbage_behind_the_handshake_ends_that_connection_only(server):
    with server.connect() as victim, server.connect() as other:
        raw = socket.socket(fileno=socket.dup(victim.sock.fileno()))
        raw.sendall(b"\x17\x03\x03\x00\x20" + b"\x55" * 32)
        raw.close()
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            while victim.receive():
                pass
        assert other.get("/hello/x").status == 200


def test_hello_in_many_small_pieces_is_understood(server):
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = server.context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with server.tcp() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    sock.sendall(bytes([byte]))
                incoming.write(sock.recv(65536))
        assert tls.version() == "TLSv1.3"


def test_connection_without_a_word_costs_nothing(server):
    for _ in range(50):
        server.tcp().close()
    assert server.get("/hello/x").status == 200
