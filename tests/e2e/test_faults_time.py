# SPDX-License-Identifier: MIT
"""What comes after ten seconds or a minute, on a clock that jumps there."""

import os
import re
import shutil
import signal
import subprocess

import pytest

import faults
import harness
import named
import test_limits
import test_passphrase
import test_tickets
import test_upgrade

PROGRAMS = "tincan", "tincan-host", "tincan-keeper"


@pytest.fixture
def start(tmp_path, certificates, make_config):
    """Starts a server of one worker; gives it and its Faults."""
    servers = []

    def start(program=faults.TINCAN, **changes):
        config = make_config(**{"workers": 1, **changes})
        server, orders = faults.start(tmp_path, config, certificates, program=program)
        servers.append(server)
        return server, orders

    yield start
    for server in servers:
        server.stop()


def jump(orders, seconds):
    """To so much later than it began."""
    orders.order(faults.EVERYBODY, monotonic_ms=1000 * seconds)


def becomes(server, target, status):
    harness.wait_for(lambda: server.get(target).status == status, f"{status} of {target}")


def sleeper(server, before=0):
    """The process that the master has started and that does nothing."""
    return harness.wait_for(
        lambda: [pid for pid in harness.children(server.pid)
                 if pid != before and harness.name(pid) == "sleep"], "its child")[0]


def test_a_breaker_lets_a_trial_pass_and_trips_sooner_but_for_longer(start, tmp_path):
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    shutil.copy(harness.BUILD / "tests/plugins/zoo/poison.so", plugins)
    server, orders = start(routes=[], plugins={"directory": str(plugins)})
    for _ in range(5):
        assert server.get("/poison/segv").status == 502
    assert server.get("/poison/fine").status == 503
    server.wait_log("503 for 30 s, then a trial")
    jump(orders, 31)
    becomes(server, "/poison/segv", 502)
    server.wait_log("503 for 60 s, then a trial")
    assert server.get("/poison/fine").status == 503
    jump(orders, 31 + 61)
    becomes(server, "/poison/fine", 200)


def test_status_tells_the_two_largest_units_of_a_time(start):
    server, orders = start()
    orders.order(faults.EVERYBODY, real_ms=93784 * 1000)
    told = harness.tincan("status", "--config", server.config).stdout
    assert re.match(r"tincan .*, up 1 d 2 h\n", told)


def test_a_worker_that_does_not_end_in_time_is_killed(start):
    server, orders = start(workers=2, timeouts={"drain_ms": 1000})
    late, _ = server.workers
    os.kill(late, signal.SIGSTOP)
    server.signal(signal.SIGTERM)
    harness.wait_for(lambda: server.workers == [late], "the end of the other")
    jump(orders, 7)
    server.wait_log("1 workers did not end in time: killing them")
    assert server.wait_exit() == 0


def test_a_program_that_hangs_takes_nothing_over(start, tmp_path):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in PROGRAMS:
        shutil.copy2(faults.TINCAN.with_name(name), folder)
    server, orders = start(program=folder / "tincan")
    (folder / "new").write_text(test_upgrade.HANGING)
    (folder / "new").chmod(0o755)
    (folder / "new").rename(folder / "tincan")
    with subprocess.Popen(
            [harness.TINCAN, "upgrade", "--config", server.config],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as upgrade:
        pid = sleeper(server)
        jump(orders, 61)
        server.wait_log(f"process {pid} does not serve in time: killing it")
        _, said = upgrade.communicate(timeout=harness.DEADLINE)
    assert upgrade.returncode == 1
    assert "the new program did not start; this one goes on" in said
    harness.wait_for(lambda: pid not in harness.group_processes(server.pid), "its end")
    assert server.get("/hello/x").status == 200


def test_an_upgrade_hands_on_the_keys_of_older_tickets(start):
    server, orders = start(tls={"tickets": {"lifetime_s": 4000}})
    context = test_tickets.context_of(server, "1.2")
    sessions = [test_tickets.begin(server, context)]
    jump(orders, 1001)
    harness.wait_for(lambda: test_tickets.tickets(server)["keys"] == 2, "the next key")
    sessions.append(test_tickets.begin(server, context))
    assert harness.tincan("upgrade", "--config", server.config).returncode == 0
    assert test_tickets.tickets(server)["keys"] == 2
    for session in sessions:
        assert test_tickets.all_resume(server, context, session)
    assert harness.tincan("stop", "--config", server.config).returncode == 0
    assert server.wait_exit() == 0
    harness.wait_for(lambda: not harness.group_processes(server.pid), "their end")


def test_a_passphrase_command_that_hangs_costs_its_renewal_alone(start, tmp_path):
    pair = test_passphrase.encrypt(named.Certificates(tmp_path).make(["a.test"]))
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\necho {test_passphrase.SECRET}\n")
    ask.chmod(0o700)
    server, orders = start(
        certificates=[test_passphrase.with_command(pair, str(ask))])
    shown = test_passphrase.shown(server, "a.test")
    ask.write_text("#!/bin/sh\nexec sleep 600\n")
    os.utime(pair["key"])
    # What is wrong is told if it is still so a moment later.
    first = sleeper(server)
    jump(orders, 11)
    sleeper(server, first)
    jump(orders, 22)
    server.wait_log("took longer than 10 s")
    assert test_passphrase.shown(server, "a.test") == shown


def test_the_next_line_about_a_limit_counts_those_before_it(start):
    server, orders = start(limits={"max_connections": 1})
    with test_limits.busy(server):
        assert all(test_limits.refused(server) for _ in range(20))
        server.wait_log(r"max_connections: .* is refused\W")
        jump(orders, 11)
        harness.wait_for(lambda: test_limits.refused(server) and
                         "before it" in server.log, "another line")
    line = server.wait_log("before it")
    assert re.search(r"max_connections: .* is refused, as (\d+) before it", line)
