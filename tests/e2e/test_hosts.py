# SPDX-License-Identifier: MIT
"""Virtual hosts: which routes a request gets by its authority, over HTTP/1.1 and HTTP/2,
for handlers in processes of their own and in the workers.
"""


import pytest

import h2
import harness
import named
import plugs

# Says which instance it is, and by which name it was reached.
WHO = {"code": """
static int opened(tc_conf *conf, void **state)
{
	*state = (void *)tc.conf_str(conf, "name", "none");
	return TC_OK;
}
""", "first": """
	const char *host = tc.info(r, "route.host");
	char *text = tc.alloc(r, 256);
	if (text != NULL) {
		strcat(strcat(strcpy(text, tc.state(r)), " "), host ? host : "-");
		return tc.text(r, 200, text);
	}
""", "fields": ".on_open = opened, .route = \"/own\""}


def route(path, name):
    return {"path": path, "handler": "who", "settings": {"name": name}}


def host(names, *routes, certificates=()):
    return {"names": names, "routes": [*routes], "certificates": [*certificates]}


@pytest.fixture(scope="module", params=["host", "worker"])
def hosts(request, tmp_path_factory, make_config, certificates):
    folder = tmp_path_factory.mktemp(request.param)
    plug = plugs.Plugs(folder)
    plug.drop("who", "", **WHO)
    plug.drop("alone", "alone")
    chains = named.Certificates(folder)
    a, w, bc = (chains.make(names) for names in (
        ["a.test"], ["w.test", "*.w.test"], ["b.test", "c.test"]))
    server = harness.Server(folder, make_config(
        plugins={"directory": str(plug.directory)},
        handlers={name: {"isolation": request.param} for name in ("who", "alone")},
        routes=[route("/who", "default"), route("/only", "default")],
        hosts=[
            host(["a.test"], route("/who", "a"), route("/a/*", "a"),
                 {"path": "/old", "redirect": "/who", "status": 308}, certificates=[a]),
            host(["w.test", "*.w.test"], route("/who", "w"), certificates=[w]),
            host(["x.w.test"], route("/who", "x"), certificates=[w]),
            host(["b.test"], route("/who", "b"), certificates=[bc]),
            host(["c.test"], route("/who", "c"), certificates=[bc]),
            host(["plain.test"], route("/who", "plain"))]), certificates)
    server.chains = chains
    yield server
    server.stop()


@pytest.fixture(params=["http/1.1", "h2"])
def ask(request, hosts):
    """Asks for a path of an authority, on a connection of its own to a name."""
    def by(authority, path="/who", sni=None, method="GET"):
        sni = sni or authority.partition(":")[0].rstrip(".").lower()
        return named.ask(hosts, request.param, sni, authority, path, method)
    return by


@pytest.mark.parametrize("authority, text", [
    ("a.test", "a a.test"), ("A.TEST", "a a.test"), ("a.test.", "a a.test"),
    ("a.test:8443", "a a.test"), ("a.test.:8443", "a a.test"),
    ("w.test", "w w.test"), ("y.w.test", "w *.w.test"), ("x.w.test", "x x.w.test"),
    ("plain.test", "plain plain.test"),
    ("z.y.w.test", "default -"), ("localhost", "default -"), ("test", "default -")])
def test_a_request_gets_the_routes_of_its_host(ask, authority, text):
    assert ask(authority).text == text


@pytest.mark.parametrize("authority, path, status", [
    ("a.test", "/only", 404), ("a.test", "/own", 404), ("a.test", "/alone", 404),
    ("localhost", "/a/b", 404), ("localhost", "/old", 404), ("a.test", "/a/b", 200)])
def test_no_host_has_the_routes_of_another(ask, authority, path, status):
    assert ask(authority, path).status == status


def test_a_handler_without_a_route_is_the_default_hosts(ask):
    assert ask("localhost", "/alone").text == "alone"


def test_a_host_redirects_on_its_own(ask):
    reply = ask("a.test", "/old")
    assert (reply.status, reply.header("location")) == (308, "/who")


def test_a_host_knows_its_own_methods(ask):
    assert ask("a.test", "/old", method="OPTIONS").status in (204, 308)
    assert ask("a.test", "/only", method="OPTIONS").status == 404


def test_the_target_wins_over_the_host_field(hosts):
    with named.connect(hosts, "a.test") as client:
        client.send("GET https://a.test/who HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.read_reply().text == "a a.test"


def test_without_a_host_field_the_name_of_tls_counts(hosts):
    with named.connect(hosts, "a.test") as client:
        client.send("GET /who HTTP/1.0\r\n\r\n")
        assert client.read_reply().text == "a a.test"
    with named.connect(hosts, None) as client:
        client.send("GET /who HTTP/1.0\r\n\r\n")
        assert client.read_reply().text == "default -"


def test_routes_lists_the_hosts(hosts):
    done = harness.tincan("routes", "--config", hosts.config, folder=hosts.folder)
    assert done.returncode == 0, done.stderr
    text = done.stdout
    assert "\nhost a.test\n/a/*" in text
    assert "\nhost w.test, *.w.test\n/who" in text
    assert text.index("/only") < text.index("host a.test") < text.index("308 to /who")
    assert "its own route" in text[:text.index("host a.test")]
