# SPDX-License-Identifier: MIT
"""Filters: before handlers and behind them, in a host and inside the workers."""

import json
import subprocess

import pytest

import harness
import plugs
import ws

SIEVES = ["sieve", "rim", "colander"]
VERSIONS = ["--http1.1", "--http2"]


@pytest.fixture(params=["worker", "host"])
def isolation(request):
    return request.param


@pytest.fixture
def plug(tmp_path):
    plug = plugs.Plugs(tmp_path)
    for name in [*SIEVES, "later"]:
        plug.add(harness.BUILD / f"tests/plugins/{name}.so")
    for name in ["echo", "files"]:
        plug.add(harness.PLUGINS / f"{name}.so")
    return plug


@pytest.fixture
def start(start_server, isolation, plug, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site/digits.txt").write_text("0123456789" * 20_000)

    def start(handlers={}, **changes):
        return start_server(**{
            "workers": 1, "filters": ["sieve"],
            "plugins": {"directory": str(plug.directory)},
            "routes": [
                {"path": "/trail", "handler": "colander"},
                {"path": "/files/*", "handler": "files",
                 "settings": {"root": str(tmp_path / "site")}},
                {"path": "/old", "redirect": "/new"}],
            "handlers": {name: {"isolation": isolation, **handlers}
                         for name in SIEVES}, **changes})
    return start


def curl(server, version, target, *fields, body=None, method=None):
    """A request by curl: its status, fields as a dictionary of lists, and body."""
    arguments = [version, "--include"]
    for field in fields:
        arguments += ["--header", field]
    if body is not None:
        arguments += ["--data-binary", body]
    if method == "HEAD":
        arguments += ["--head"]
    head, _, rest = server.curl(target, *arguments).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    found = {}
    for line in lines[1:]:
        name, value = line.split(": ", 1)
        found.setdefault(name.lower(), []).append(value)
    return int(lines[0].split()[1]), found, rest.decode()


@pytest.fixture(params=VERSIONS)
def version(request):
    return request.param


# In the configuration


def check(plug, folder, **config):
    """What tincan check has against a configuration."""
    (folder / "server.json").write_text(json.dumps(
        {"plugins": {"directory": str(plug.directory)}, **config}))
    return harness.tincan("check", "--config", "server.json", folder=folder).stderr


def test_a_filter_that_is_not_there_is_a_mistake(plug, tmp_path):
    assert "server.json:1: filters[0]: no plugin named 'seive'" in \
        (said := check(plug, tmp_path, filters=["seive"]))
    assert "did you mean 'sieve'" in said


def test_a_handler_that_filters_nothing_is_no_filter(plug, tmp_path):
    said = check(plug, tmp_path, filters=["hello"])
    assert "filters[0]: handler 'hello' is no filter (it has no on_filter, on_reply " \
        "or on_piece)" in said


def test_a_filter_that_answers_nothing_has_no_route(plug, tmp_path, start_server):
    plug.drop("strainer", "", request=".on_filter = strain", code="""
static int strain(tc_req *r)
{
	(void)r;
	return TC_NEXT;
}
""")
    assert "handler 'strainer' answers nothing (it has no on_request)" in check(
        plug, tmp_path, routes=[{"path": "/x", "handler": "strainer"}])
    assert "strainer" not in check(plug, tmp_path, filters=["strainer"])
    server = start_server(plugins={"directory": str(plug.directory)}, routes=[])
    assert server.get("/strainer").status == 404
    assert server.get("/sieve").status == 200


def test_a_filter_that_blocks_is_for_workers(plug, tmp_path):
    plug.drop("dam", "", request=".flags = TC_BLOCKING, .on_filter = hold", code="""
static int hold(tc_req *r)
{
	(void)r;
	return TC_NEXT;
}
""")
    assert "filters[0]: handler 'dam' blocks: to filter it must run in the workers" in \
        check(plug, tmp_path, filters=["dam"])
    assert "dam" not in check(plug, tmp_path, filters=["dam"],
                              handlers={"dam": {"isolation": "worker"}})


def test_settings_of_filters_are_checked(plug, tmp_path):
    said = check(plug, tmp_path, filters=[
        {"handler": "sieve", "settings": {"mrak": "x"}}])
    assert "filters[0]" in said and "did you mean 'mark'" in said


def test_routes_tells_the_filters_of_each_path(plug, tmp_path):
    (tmp_path / "server.json").write_text(json.dumps({
        "plugins": {"directory": str(plug.directory), "serve_unrouted": False},
        "filters": ["sieve"],
        "routes": [{"path": "/a", "handler": "hello", "filters": ["rim"]},
                   {"path": "/b", "redirect": "/a"}]}))
    done = harness.tincan("routes", "--config", "server.json", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [row.split() for row in done.stdout.splitlines()]
    assert [row[0] for row in rows] == ["path", "/a", "filters:", "/b", "filters:"]
    assert done.stdout.count("\n  filters: sieve, rim\n") == 1
    assert rows[4] == ["filters:", "sieve"]


# Before the handler


def test_lets_through_and_marks(start, version):
    server = start()
    status, fields, text = curl(server, version, "/trail")
    assert (status, text) == (200, "trail s hidden - next -4 body \n")
    assert (fields["x-set"], fields["x-seen"]) == (["s"], ["s 200"])


def test_filters_run_in_order_of_server_and_route(start, version):
    server = start(
        filters=[{"handler": "sieve", "settings": {"mark": "a"}},
                 {"handler": "rim", "settings": {"mark": "b"}}],
        routes=[{"path": "/trail", "handler": "colander",
                 "filters": [{"handler": "colander", "settings": {"mark": "c"}},
                             {"handler": "sieve", "settings": {"mark": "d"}}]}])
    _, fields, text = curl(server, version, "/trail")
    assert text.startswith("trail abcd ")
    assert fields["x-seen"] == ["d 200", "c 200", "b 200", "a 200"]
    assert fields["x-set"] == ["d", "c", "b", "a"]


@pytest.mark.parametrize("action, text", [
    ("deny", "denied\n"), ("deny later", "denied later\n"),
    ("deny slowly", "denied slowly\n")])
def test_denies(start, version, action, text):
    server = start()
    status, fields, body = curl(server, version, "/trail", f"X-Sieve: s {action}")
    assert (status, body, fields["x-set"]) == (403, text, ["s"])
    assert "x-seen" not in fields
    assert server.wait_access("/trail")["handler"] == "sieve"
    server.wait_log("done /trail: 0 pieces, 0 last")


@pytest.mark.parametrize("action", ["later", "at once"])
def test_lets_through_later(start, version, action):
    server = start()
    status, fields, body = curl(server, version, "/trail", f"X-Sieve: s {action}",
                                body="sent")
    assert (status, body) == (200, "trail s hidden - next -4 body sent\n")
    assert fields["x-seen"] == ["s 200"]
    assert server.wait_access("/trail")["handler"] == "colander"
    if action == "later":
        server.wait_log("next: 0, again: -4")


def test_changes_fields_of_the_request(start, version):
    server = start()
    _, _, text = curl(server, version, "/trail", "X-Hidden: secret")
    assert "hidden secret" in text
    _, _, text = curl(server, version, "/trail", "X-Hidden: secret", "X-Sieve: s hide")
    assert "hidden - " in text


@pytest.mark.parametrize("action, status", [
    ("fail filter", 500), ("nothing", 500), ("fail reply", 500)])
def test_a_filter_that_fails_refuses(start, version, action, status):
    server = start()
    found, fields, text = curl(server, version, "/trail", f"X-Sieve: s {action}")
    assert found == status and "trail" not in text
    server.wait_log("returned TC_")
    server.wait_log("done /trail")


def test_a_filter_that_never_decides_is_504(start, version):
    server = start({"timeout_ms": 300})
    assert curl(server, version, "/trail", "X-Sieve: s never")[0] == 504
    server.wait_log("finish: 0")
    server.wait_log("done /trail")
    assert curl(server, version, "/trail")[0] == 200


def test_a_denial_does_not_wait_for_the_body(start):
    server = start()
    with server.connect() as client:
        client.start("POST", "/trail", "Content-Length: 1000000",
                     "Expect: 100-continue", "X-Sieve: s deny later")
        reply = client.read_reply()
        assert (reply.status, reply.text) == (403, "denied later\n")
        assert client.ended()


@pytest.mark.parametrize("action", ["later", "none"])
def test_the_body_is_invited_when_filters_have_let_go(start, action):
    server = start()
    with server.connect() as client:
        client.start("POST", "/trail", "Content-Length: 4", "Expect: 100-continue",
                     f"X-Sieve: s {action}")
        assert client.read_head().status == 100
        client.send("sent")
        assert client.read_reply().text.endswith("body sent\n")
        assert client.get("/trail").status == 200


# Behind the handler


def test_sees_what_the_server_itself_says(start, version):
    server = start()
    for target, status in [("/nowhere", 404), ("/old", 302)]:
        found, fields, _ = curl(server, version, target)
        assert (found, fields["x-seen"]) == (status, [f"s {status}"])
        assert curl(server, version, target, "X-Sieve: s deny")[0] == 403
    assert server.wait_access("/old")["handler"] is None


def test_replaces_a_reply(start, version):
    server = start()
    status, fields, text = curl(server, version, "/files/digits.txt",
                                "X-Sieve: s replace")
    assert (status, text) == (503, "replaced\n")
    assert fields["content-type"] == ["text/plain; charset=utf-8"]
    assert "etag" not in fields and fields["x-seen"] == ["s 200"]
    assert server.wait_access("/files/digits.txt")["handler"] == "sieve"


def test_takes_fields_out(start, version):
    server = start()
    _, fields, _ = curl(server, version, "/trail", "X-Sieve: s untype")
    assert "content-type" not in fields


@pytest.mark.parametrize("action, change", [
    ("upper", str.upper), ("double", lambda text: "".join(2 * c for c in text)),
    ("hold back", str), ("misuse", str)])
@pytest.mark.parametrize("target", ["/trail", "/files/digits.txt", "/later/stream?3"])
def test_changes_the_body(start, version, action, change, target):
    server = start()
    plain = curl(server, version, target)[2]
    status, fields, text = curl(server, version, target, f"X-Sieve: s {action}")
    if target == "/trail":
        assert fields["content-length"] == [str(len(text))]
    assert (status, text) == (200, change(plain))
    server.wait_log(r"done .*, 1 last")
    if action == "misuse":
        server.wait_log("misuse: -4 -4 -4 -4")


@pytest.mark.parametrize("action", ["alone", "keep length"])
def test_a_body_that_is_left_alone_keeps_its_length(start, version, action):
    server = start()
    _, fields, text = curl(server, version, "/files/digits.txt", f"X-Sieve: s {action}")
    assert len(text) == 200_000
    assert fields["content-length"] == ["200000"] == fields["x-length"]
    server.wait_log("done .*: 0 pieces" if action == "alone" else "done .*, 1 last")


def test_head_has_no_pieces(start, version):
    server = start()
    status, fields, text = curl(server, version, "/files/digits.txt", method="HEAD")
    assert (status, text, fields["x-seen"]) == (200, "", ["s 200"])
    assert "content-length" not in fields
    server.wait_log("done /files/digits.txt: 0 pieces, 0 last")


@pytest.mark.parametrize("action", ["fail piece", "lose last", "abort piece"])
def test_a_filter_that_fails_behind_breaks_the_reply(start, version, action):
    server = start()
    with pytest.raises(subprocess.CalledProcessError):
        curl(server, version, "/files/digits.txt", f"X-Sieve: s {action}")
    server.wait_log("done /files/digits.txt")
    assert ("gone /files/digits.txt" in server.log) == (action != "abort piece")
    assert curl(server, version, "/trail")[0] == 200


def test_a_piece_may_become_a_mebibyte(start, version):
    server = start()
    _, _, text = curl(server, version, "/files/digits.txt", "X-Sieve: s blow up")
    assert 3 << 20 < len(text) <= 4 << 20
    curl(server, version, "/trail", "X-Sieve: s too much")
    server.wait_log("too much: -5")


@pytest.mark.parametrize("callback", ["filter", "reply", "piece"])
def test_a_crash_of_a_filter_costs_its_request(start, version, isolation, callback):
    if isolation == "worker":
        pytest.skip("it costs what the worker has: tests/e2e/test_isolation.py")
    server = start()
    if callback == "piece":
        with pytest.raises(subprocess.CalledProcessError):
            curl(server, version, "/files/digits.txt", "X-Sieve: s crash piece")
    status, fields, _ = curl(server, version, "/trail", f"X-Sieve: s crash {callback}")
    assert (status, "x-seen" in fields) == (502, False)
    server.wait_log(f"on_{callback}")
    assert curl(server, version, "/trail")[0] == 200


def test_a_crash_when_all_is_said_costs_nothing(start, version, isolation):
    if isolation == "worker":
        pytest.skip("it costs what the worker has: tests/e2e/test_isolation.py")
    server = start()
    assert curl(server, version, "/trail", "X-Sieve: s crash done")[0] == 200
    server.wait_log("on_done")
    assert curl(server, version, "/trail")[0] == 200


# WebSockets


@pytest.mark.parametrize("over", ["h1", "h2"])
@pytest.mark.parametrize("action", ["none", "later"])
def test_a_websocket_has_the_fields_of_filters_in_its_handshake(start, over, action):
    server = start(routes=[{"path": "/echo", "handler": "echo"}])
    with ws.OPEN[over](server, "/echo", f"X-Sieve: s {action}") as socket:
        assert socket.reply.header("x-set") == "s"
        assert socket.reply.header("x-seen") is None
        assert socket.ask("hello") == "hello"
    server.wait_log("done /echo: 0 pieces, 0 last")


@pytest.mark.parametrize("over", ["h1", "h2"])
@pytest.mark.parametrize("action", ["deny", "deny later"])
def test_a_filter_denies_a_websocket(start, over, action):
    server = start(routes=[{"path": "/echo", "handler": "echo"}])
    with pytest.raises(ws.Refused) as caught:
        ws.OPEN[over](server, "/echo", f"X-Sieve: s {action}")
    assert caught.value.reply.status == 403


REFUSES = """
static int connected(tc_conn *c, tc_req *upgrade)
{
	(void)c;
	(void)tc.set_header(upgrade, "x-own", "o");
	return strcmp(tc.query(upgrade), "reply") == 0 ? tc.text(upgrade, 403, "no") :
	    strcmp(tc.query(upgrade), "fail") == 0 ? TC_FAIL : 403;
}
"""


@pytest.mark.parametrize("over", ["h1", "h2"])
@pytest.mark.parametrize("way, status, own", [
    ("status", 403, "o"), ("reply", 403, "o"), ("fail", 500, None)])
def test_a_refused_websocket_has_the_fields_of_filters(start_server, plug, isolation,
                                                       over, way, status, own):
    plug.drop("refuser", "", code=REFUSES, fields=".on_connect = connected")
    server = start_server(workers=1, filters=["sieve"],
                          plugins={"directory": str(plug.directory)},
                          routes=[{"path": "/no", "handler": "refuser"}],
                          handlers={"refuser": {"isolation": isolation}})
    with pytest.raises(ws.Refused) as caught:
        ws.OPEN[over](server, f"/no?{way}", "X-Sieve: s none")
    assert caught.value.reply.status == status
    assert caught.value.reply.header("x-own") == own
    assert caught.value.reply.header("x-set") == "s"
