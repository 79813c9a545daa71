# SPDX-License-Identifier: MIT
"""The access log and the error log."""

import json
import os
import pty
import re
import signal
import subprocess
import threading

import pytest

import harness

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def test_line_of_a_request(start_server):
    server = start_server()
    with server.connect() as client:
        echo = client.request("POST", "/echo?x=%22", body=b"hello")
        address = "%s:%d" % client.sock.getsockname()
        tls = client.sock.version(), client.sock.cipher()[0]
    line = server.wait_access("/echo?x=%22")
    assert TIME.fullmatch(line.pop("time"))
    assert 0 < line.pop("us") < 60e6
    assert re.fullmatch("[0-9a-f]{32}", line.pop("trace"))
    assert line == {
        "client": address, "tls": tls[0], "cipher": tls[1], "host": "localhost",
        "method": "POST",
        "target": "/echo?x=%22", "status": 200, "bytes": len(echo.body),
        "handler": "echo", "id": echo.json["request_id"]}


def test_line_of_the_servers_own_reply(server):
    server.get("/not/there")
    line = server.wait_access("/not/there")
    assert (line["status"], line["handler"]) == (404, None)


def test_line_of_what_could_not_be_read(start_server):
    server = start_server()
    with server.connect() as client:
        client.send("nonsense\r\n\r\n")
        assert client.read_reply().status == 400
    line, = harness.wait_for(server.access_lines, "its line")
    assert line["status"] == 400


def test_line_of_a_download_that_was_broken_off(start_server, tmp_path):
    with open(tmp_path / "big.bin", "wb") as file:
        file.truncate(64 << 20)
    server = start_server(routes=[{"path": "/*", "handler": "files",
                                   "settings": {"root": str(tmp_path)}}])
    with server.connect() as client:
        client.start("GET", "/big.bin")
        client.read_head()
    assert server.wait_access("/big.bin")["bytes"] < 64 << 20


def test_odd_bytes_cannot_forge_a_line(start_server):
    server = start_server()
    for target in '/"\\x', "/\x7f\t\x1b[0m", "/%0A%22},{":
        with server.connect() as client:
            client.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert client.read_reply().status >= 400
    # One line each, and every one can be read.
    lines = harness.wait_for(lambda: server.access_lines()[2:] and server.access_lines(),
                             "their lines")
    assert len(lines) == 3
    server.wait_access("/%0A%22},{")


def test_head_counts_no_bytes(server):
    server.request("HEAD", "/hello/head-counts")
    assert server.wait_access("/hello/head-counts")["bytes"] == 0


def test_lines_of_one_connection_are_in_order(start_server):
    server = start_server()
    with server.connect() as client:
        for i in range(200):
            client.get(f"/hello/{i}")
    server.stop()
    assert [x["target"] for x in server.access_lines()] == [
        f"/hello/{i}" for i in range(200)]


def test_nothing_is_lost_when_it_stops(start_server):
    server = start_server()
    server.get("/hello/last")
    server.stop()
    assert [x["target"] for x in server.access_lines()] == ["/hello/last"]


def test_reopens_on_sigusr1(start_server):
    server = start_server()
    server.get("/hello/before")
    server.wait_access("/hello/before")
    moved = server.folder / "access.log.1"
    server.access_path.rename(moved)
    server.signal(signal.SIGUSR1)
    harness.wait_for(server.access_path.exists, "the new file")

    def arrived():
        server.get("/hello/after")  # both workers have to have heard of it
        return len(server.access_lines()) > 10

    harness.wait_for(arrived, "lines in the new file")
    assert "/hello/before" in moved.read_text()
    assert "/hello/before" not in server.access_path.read_text()


def test_reopens_the_error_log_too(start_server, make_config):
    server = start_server()
    server.signal(signal.SIGUSR1)
    server.signal(signal.SIGHUP)
    server.wait_log("generation 2 serves")  # the log on stderr is still there


def lost(server):
    status = server.get("/status").json["server"]
    return status["tincan_log_lost_total"]


def test_full_disk_costs_lines_only(start_server):
    server = start_server(log={"access": "/dev/full", "error": "-"})
    harness.wait_for(lambda: lost(server) > 0, "lost lines to be counted")
    assert server.get("/hello/x").status == 200


def test_reader_that_sleeps_costs_lines_only(start_server):
    reading, writing = os.pipe()
    try:
        server = start_server(log={"access": "-", "error": "-"}, stdout=writing)
        with server.connect() as client:
            for _ in range(100):
                client.send("".join(
                    f"GET /hello/{'x' * 500} HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    for _ in range(20)))
                for _ in range(20):
                    assert client.read_reply().status == 200
        harness.wait_for(lambda: lost(server) > 0, "lost lines to be counted")
        server.stop()
    finally:
        os.close(reading)
        os.close(writing)


def test_access_log_on_standard_output(start_server):
    reading, writing = os.pipe()
    server = start_server(log={"access": "-", "error": "-"}, stdout=writing)
    os.close(writing)
    server.get("/hello/stdout")
    with open(reading) as file:
        assert json.loads(file.readline())["target"] == "/hello/stdout"


def test_access_log_can_be_off(start_server):
    server = start_server(log={"access": "off", "error": "-"})
    assert server.get("/hello/x").status == 200
    server.stop()
    assert not (server.folder / "off").exists() and not server.access_path.exists()


def test_text_if_asked_for(start_server):
    server = start_server(log={"access": "access.log", "error": "-", "format": "text"})
    server.get("/hello/x")
    server.stop()
    line = server.access_path.read_text()
    assert re.search(r" 200 GET /hello/x \d+ bytes ", line) and "{" not in line


def test_error_log_is_json_where_no_terminal_is(start_server):
    server = start_server()
    lines = [json.loads(line) for line in server.log.splitlines()]
    assert all(TIME.fullmatch(line["time"]) for line in lines)
    assert any("listening on" in json.dumps(line) for line in lines)


def test_error_log_is_text_on_a_terminal(tmp_path, make_config):
    (tmp_path / "server.json").write_text(json.dumps(make_config()))
    ours, theirs = pty.openpty()
    process = subprocess.Popen([harness.TINCAN, "--config", "server.json"], cwd=tmp_path,
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=theirs, start_new_session=True)
    deadline = threading.Timer(harness.DEADLINE, process.kill)
    deadline.start()
    os.close(theirs)
    said = b""
    while b"serving" not in said:
        said += os.read(ours, 4096)
    process.terminate()
    assert process.wait(harness.DEADLINE) == 0
    deadline.cancel()
    os.close(ours)
    assert b"listening on https://127.0.0.1:" in said and b'{"' not in said


def test_error_log_in_a_file(start_server, make_config, certificates, tmp_path):
    (tmp_path / "server.json").write_text(json.dumps(make_config(
        log={"access": "off", "error": "error.log"})))
    process = subprocess.Popen([harness.TINCAN, "--config", "server.json"], cwd=tmp_path,
                               stderr=subprocess.PIPE, start_new_session=True)
    log = tmp_path / "error.log"
    harness.wait_for(lambda: log.exists() and "listening" in log.read_text(), "the log")
    log.rename(tmp_path / "error.log.1")
    process.send_signal(signal.SIGUSR1)
    harness.wait_for(log.exists, "the new log")
    process.terminate()
    _, said = process.communicate(timeout=harness.DEADLINE)
    # What LeakSanitizer says of a process that it finds ending is no word of ours.
    ours = [line for line in said.splitlines() if b"Unable to get registers" not in line]
    assert (process.returncode, ours) == (0, [])
    assert "stopping" in log.read_text()


@pytest.mark.parametrize("level, shown", [("info", True), ("warn", False)])
def test_level_of_the_error_log(tmp_path, make_config, level, shown):
    (tmp_path / "server.json").write_text(json.dumps(make_config(
        log={"access": "access.log", "error": "error.log", "level": level})))
    process = subprocess.Popen([harness.TINCAN, "--config", "server.json"], cwd=tmp_path,
                               start_new_session=True)
    harness.wait_for((tmp_path / "run" / "tincan.sock").exists, "the control socket")
    process.terminate()
    assert process.wait(harness.DEADLINE) == 0
    assert ("stopping" in (tmp_path / "error.log").read_text()) == shown
