# SPDX-License-Identifier: MIT
"""What handlers measure: /metrics, in a format that scrapers read, whatever process it
was counted in and whatever has become of that process."""

import math
import os
import re
import shutil
import signal

import pytest

import harness
import plugs
import prometheus

GAUGES = harness.BUILD / "tests/plugins/gauges.so"
NAME = "tincan_handler_"


@pytest.fixture
def start(start_server, tmp_path, isolation):
    plug = plugs.Plugs(tmp_path)
    plug.add(GAUGES)
    plug.add(harness.PLUGINS / "status.so")

    def start(*settings):
        """gauges answers at /gauges/, and for each of the settings at /gauges0/ ..."""
        routes = [{"path": "/metrics", "handler": "status"},
                  {"path": "/gauges/{what}/{value}", "handler": "gauges"}]
        routes += [{"path": f"/gauges{i}/{{what}}/{{value}}", "handler": "gauges",
                    "settings": one} for i, one in enumerate(settings)]
        server = start_server(
            workers=2, plugins={"directory": str(plug.directory)}, routes=routes,
            handlers={"gauges": {"isolation": isolation}})
        server.plug = plug
        server.isolation = isolation
        return server
    return start


def processes(server):
    return server.hosts("gauges") if server.isolation == "host" else server.workers


def metrics(server):
    return prometheus.read(server.get("/metrics").text)


def value(server, name, end="", **labels):
    """The value of the handler's series, or None."""
    found = metrics(server).get(NAME + name)
    labels = tuple(sorted({"handler": "gauges", **labels}.items()))
    return found and found.samples.get((NAME + name + end, labels))


def becomes(server, expected, name, end="", **labels):
    harness.wait_for(lambda: value(server, name, end, **labels) == expected,
                     f"{name}{end} to be {expected}")


def tell(server, what, number, version="--http2", times=1):
    for _ in range(times):
        assert server.curl(f"/gauges/{what}/{number}", version) == b"done"


def kill_all(server):
    before = set(processes(server))
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    harness.wait_for(lambda: len(set(processes(server)) - before) == 2, "new processes")


def test_a_counter_counts_over_all_processes(start, version):
    server = start()
    tell(server, "count", 1.5, version, times=12)
    tell(server, "thread", 0, version)
    becomes(server, 25, "counted_total")
    counter = metrics(server)[NAME + "counted_total"]
    assert (counter.kind, len(counter.samples)) == ("counter", 1)
    assert counter.about == 'What was "counted" \\ in\ntwo lines'


def test_a_counter_ignores_what_it_cannot_add(start):
    server = start()
    for number in ["-1", "nan", "inf", "-inf", "1e999"]:
        tell(server, "count", number)
    tell(server, "count", 2)
    becomes(server, 2, "counted_total")


def test_a_gauge_is_the_sum_over_processes(start, version):
    server = start()
    for number in ["nan", "inf"]:
        tell(server, "set", number)
    tell(server, "set", 3, version, times=20)  # both workers get some
    becomes(server, 6, "level")
    tell(server, "move", -0.5, version, times=4)
    becomes(server, 4, "level")
    assert metrics(server)[NAME + "level"].kind == "gauge"


def test_a_histogram_has_its_buckets(start, version):
    server = start()
    for number in ["0", "0.001", "0.0011", "0.3", "10000", "10001", "nan", "inf", "-1"]:
        tell(server, "observe", number, version)
    becomes(server, 6, "took_seconds", "_count")
    assert math.isclose(value(server, "took_seconds", "_sum"), 20001.3021)
    buckets = {le: value(server, "took_seconds", "_bucket", le=le)
               for le in ["0.001", "0.0025", "0.25", "0.5", "5000", "10000", "+Inf"]}
    assert list(buckets.values()) == [2, 3, 3, 4, 4, 5, 6]


def test_kills_cost_no_count_and_end_gauges(start):
    server = start()
    tell(server, "count", 1, times=10)
    tell(server, "observe", 1, times=10)
    tell(server, "set", 5, times=20)
    becomes(server, 10, "level")
    for round in range(2, 4):
        kill_all(server)
        tell(server, "count", 1, times=10)
        becomes(server, 10 * round, "counted_total")
        becomes(server, 0, "level")
    becomes(server, 10, "took_seconds", "_count")
    becomes(server, 10, "took_seconds", "_sum")


def test_no_count_is_ever_less_than_before(start):
    """Seen by a scraper that looks all the time while processes die."""
    server = start()
    seen = 0
    for round in range(1, 4):
        tell(server, "count", 1, times=5)
        kill_all(server)
        while seen != 5 * round:
            now = value(server, "counted_total") or 0
            assert now >= seen
            seen = now


def test_reload_and_another_version_keep_counts(start):
    server = start()
    tell(server, "count", 1, times=3)
    harness.tincan("reload", "--config", server.config, folder=server.folder)
    tell(server, "count", 1)
    new = server.plug.workshop / "new"
    shutil.copy(GAUGES, new)
    with open(new, "ab") as file:
        file.write(b"\0")
    new.rename(server.plug / "gauges.so")
    server.wait_log("handler 'gauges', version .* is live in place of")
    server.wait_log("generation 3 serves")
    tell(server, "count", 1)
    becomes(server, 5, "counted_total")


def test_gets_none_of_a_bad_name_or_kind(start):
    bad = [{"name": name} for name in [
        "Big", "", "a-b", "a b", "x" * 48, "x_bucket", "x_sum", "x_count",
        "crashes_total"]]
    bad += [{"name": "x", "kind": 0}, {"name": "x", "kind": 4},
            {"name": "level", "kind": 1}]
    server = start(*bad)
    for i in range(len(bad)):
        assert server.get(f"/gauges{i}/got/0").text == "none", bad[i]
    server.wait_log("gets no metric 'Big'")
    server.wait_log("gets no metric 'level': it is of another kind already")
    tell(server, "count", 1)
    becomes(server, 1, "counted_total")
    assert [name for name in metrics(server) if name.startswith(NAME)] == [
        NAME + "crashes_total", NAME + "counted_total", NAME + "level",
        NAME + "took_seconds"]


def test_the_json_of_status_has_them_too(start):
    server = start({"name": "x" * 47, "kind": 3})
    tell(server, "count", 1)
    becomes(server, 1, "counted_total")
    handlers = server.get("/metrics?format=json").json["handlers"]
    assert handlers["gauges"][NAME + "counted_total"] == 1
    assert handlers["gauges"][NAME + "x" * 47 + "_count"] == 2  # one a worker


SECOND = {"code": """
static tc_metric *metric;
static int set_up(tc_conf *cf, void **state)
{
	(void)state;
	metric = tc.metric(cf, TC_COUNTER, "counted_total", "Another help");
	tc.metric(cf, TC_COUNTER, "level", "Another kind");
	return TC_OK;
}
""", "first": "tc.add(metric, 100);", "fields": ".on_open = set_up"}


def test_handlers_share_a_name_but_not_a_kind(start):
    server = start()
    tell(server, "count", 1)
    becomes(server, 1, "counted_total")
    server.plug.drop("second", "second", **SECOND)
    plugs.answers(server, "/second", "second")
    becomes(server, 1, "counted_total")
    harness.wait_for(lambda: value(server, "counted_total", handler="second"), "it")
    server.wait_log("metric 'level' of handler 'second' is not shown: another handler")
    assert value(server, "level", handler="second") is None
    assert len(metrics(server)[NAME + "counted_total"].samples) == 2


def test_the_manual_names_all_that_the_server_counts(server):
    server.get("/status")
    manual = (harness.TOP / "docs/tincan.1").read_text().split(".Sh METRICS")[1]
    items = re.findall(r"^\.It (Li tincan_.*)", manual, re.MULTILINE)
    named = re.findall(r"tincan_\w+", " ".join(items))
    assert sorted(named) == sorted(metrics(server))
