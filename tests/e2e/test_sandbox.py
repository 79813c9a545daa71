# SPDX-License-Identifier: MIT
"""What the processes have given up: tried from inside of them, and told by the kernel."""

import json
import os
import pathlib
import re
import signal

import pytest

import harness
import plugs
from test_keeper import keeper_of
from test_reload import reload
from test_user import status

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="root could do it otherwise")

# Each try says its errno, or 0. Without a sandbox they all succeed, or fail with EFAULT
# or the like, as they are made by root. Builds with a sanitizer have no filters.
FLAGS = ["-D_GNU_SOURCE", f"-DFILTERED={int(not harness.SANITIZED)}"]
TRIES = {"flags": FLAGS, "code": r"""
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>

static char said[2048];

static void say(const char *name, long result)
{
	int error = result < 0 ? errno : 0;
	size_t used = strlen(said);

	snprintf(said + used, sizeof(said) - used, "%s=%d ", name, error);
}

static long look_into(int pid)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		close(fd);
	}
	return fd;
}

static long cloned(int flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0) {
		_exit(0);
	}
	return pid < 0 ? pid : waitpid(pid, NULL, 0);
}

static void *nothing(void *arg)
{
	return arg;
}

static long threaded(void)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, nothing, NULL);
	return errno != 0 ? -1 : pthread_join(thread, NULL);
}

static long moved(void)
{
	char from[] = "/tmp/tincan-tries-XXXXXX", to[64], file[64];
	long rc;

	if (mkdtemp(from) == NULL) {
		return -1;
	}
	snprintf(file, sizeof(file), "%s/file", from);
	snprintf(to, sizeof(to), "%s.moved", from);
	close(open(file, O_WRONLY | O_CREAT, 0600));
	rc = rename(file, to);
	unlink(to);
	unlink(file);
	rmdir(from);
	return rc;
}

/* Those that succeed without a filter would stop us. */
static void try_calls(void)
{
	char byte = 'x', copy;
	struct iovec here = { &copy, 1 }, there = { &byte, 1 };
	int pair[2];

	say("ptrace", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
	say("vm_read", process_vm_readv(getpid(), &here, 1, &there, 1, 0));
	say("unshare", unshare(CLONE_NEWUTS));
	say("namespace", cloned(CLONE_NEWIPC));
	say("clone3", syscall(SYS_clone3, NULL, 0));
	say("io_uring", syscall(SYS_io_uring_setup, 1, NULL));
	say("bpf", syscall(SYS_bpf, 0, NULL, 0));
	say("keyctl", syscall(SYS_keyctl, 0, -3, 0, 0, 0));
	say("mount", syscall(SYS_mount, "none", "/nowhere", "tmpfs", 0, NULL));
	say("perf", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	say("handle", syscall(SYS_open_by_handle_at, -1, NULL, 0));
	say("type", ioctl(0, TIOCSTI, "x"));
	say("unlisted", syscall(1000));
	say("packet", socket(AF_PACKET, SOCK_RAW, 0));
	say("old_packet", socket(AF_INET, SOCK_PACKET, 0));
	say("raw", socket(AF_INET, SOCK_RAW, IPPROTO_TCP));
	say("cipher", socket(AF_ALG, SOCK_SEQPACKET, 0));
	say("hypervisor", socket(AF_VSOCK, SOCK_STREAM, 0));
	say("pair", socketpair(AF_TIPC, SOCK_STREAM, 0, pair));
	say("uevent", socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT));
}

static void try_all(void)
{
	int fd;

	said[0] = 0;
	if (FILTERED) {
		try_calls();
	}
	say("device", mknod("/tmp/tincan-device", S_IFCHR | 0600, makedev(1, 3)));
	unlink("/tmp/tincan-device");
	say("parent", look_into(getppid()));
	say("signal", kill(getppid(), 0));
	say("self", look_into(getpid()));
	say("fork", cloned(0));
	say("thread", threaded());
	say("move", moved());
	say("socket", fd = socket(AF_INET, SOCK_STREAM, 0));
	close(fd);
}
"""}
EPERM, EACCES, ENOSYS, EPROTONOSUPPORT, EAFNOSUPPORT = 1, 13, 38, 93, 97
CALLS = {"ptrace": EPERM, "vm_read": EPERM, "unshare": EPERM, "namespace": EPERM,
         "clone3": ENOSYS, "io_uring": ENOSYS, "bpf": EPERM, "keyctl": EPERM,
         "mount": EPERM, "perf": EPERM, "handle": EPERM, "type": EPERM,
         "unlisted": ENOSYS, "packet": EAFNOSUPPORT, "old_packet": EAFNOSUPPORT,
         "raw": EPERM, "cipher": EAFNOSUPPORT, "hypervisor": EAFNOSUPPORT,
         "pair": EAFNOSUPPORT, "uevent": EPROTONOSUPPORT}
FREE = {"self": 0, "fork": 0, "thread": 0, "move": 0, "socket": 0}
ANSWERS = {**TRIES, "first": "try_all(); return tc.text(r, 200, said);"}
REFUSES = {**TRIES, "fields": ".on_open = opened", "code": TRIES["code"] + """
static int opened(tc_conf *cf, void **state)
{
	(void)state;
	try_all();
	return tc.conf_error(cf, NULL, said);
}
"""}


@pytest.fixture(scope="module")
def strict(tmp_path_factory, make_config, certificates):
    """All handlers have processes of their own."""
    folder = tmp_path_factory.mktemp("strict")
    plug = plugs.Plugs(folder)
    plug.drop("tries", "", **ANSWERS)
    plug.add(harness.PLUGINS / "files.so")
    (folder / "www").mkdir()
    (folder / "www/page.txt").write_text("a page\n")
    (folder / "secret").write_text("a secret\n")
    routes = [{"path": "/hello/{name}", "handler": "hello"},
              {"path": "/tries", "handler": "tries"}]
    plugins = {"directory": str(plug.directory), "serve_unrouted": True}
    server = harness.Server(folder, make_config(routes=routes, plugins=plugins),
                            certificates)
    server.plug = plug
    yield server
    server.stop()


@pytest.fixture(scope="module")
def loose(tmp_path_factory, make_config, certificates):
    """A handler is in the workers."""
    folder = tmp_path_factory.mktemp("loose")
    plug = plugs.Plugs(folder)
    plug.drop("tries", "", **ANSWERS)
    server = harness.Server(folder, make_config(
        routes=[{"path": "/tries", "handler": "tries"}],
        handlers={"tries": {"isolation": "worker"}},
        plugins={"directory": str(plug.directory)}), certificates)
    yield server
    server.stop()


def landlock(server):
    done = harness.tincan("status", "--json", "--config", server.config)
    return harness.json.loads(done.stdout)["sandbox"]["landlock"]


def check(server, text):
    found = {name: int(error) for name, error in re.findall(r"(\w+)=(\d+)", text)}
    expected = dict(FREE)
    if not harness.SANITIZED:
        expected |= CALLS
    if landlock(server) >= 1:
        expected |= {"device": EACCES, "parent": EACCES}
    if landlock(server) >= 6:
        expected |= {"signal": EPERM}
    assert expected == {name: found.get(name) for name in expected}


@needs_root
def test_a_host_cannot_do_what_no_handler_does(strict):
    check(strict, strict.get("/tries").text)


@needs_root
def test_a_worker_that_runs_handlers_cannot_either(loose):
    check(loose, loose.get("/tries").text)


@needs_root
def test_a_probe_cannot_either(strict):
    strict.plug.drop("early", "", **REFUSES)
    check(strict, strict.wait_log("early.*parent="))
    (strict.plug / "early.so").unlink()


def limit(pid, name):
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    return re.search(rf"Max {name} +(\S+)", limits).group(1)


def test_every_process_has_given_up_what_it_says(strict):
    filtered = ["0"] if harness.SANITIZED else ["2"]
    hosts = strict.hosts("tries") + strict.hosts("hello")
    assert len(strict.workers) == 2 and len(hosts) == 4
    for pid in [*strict.workers, *hosts, keeper_of(strict)]:
        assert status(pid)["NoNewPrivs"] == ["1"]
        assert status(pid)["Seccomp"] == filtered
    for pid in [*strict.workers, keeper_of(strict)]:
        assert limit(pid, "core file size") == "0"
        assert harness.SANITIZED or limit(pid, "processes") == "0"
    assert limit(keeper_of(strict), "file size") == "0"
    assert status(strict.pid)["Seccomp"] == ["0"]


def test_status_tells(strict, loose):
    for server, words in (strict, "run no handlers"), (loose, "run handlers"):
        done = harness.tincan("status", "--config", server.config)
        seccomp = "no seccomp" if harness.SANITIZED else "seccomp"
        assert re.search(rf"^sandbox: the master's user, {seccomp}, (no )?landlock.*"
                         rf", workers {words}$", done.stdout, re.MULTILINE), done.stdout


def test_workers_that_run_no_code_take_none_in(strict):
    before = strict.hosts("hello")
    reload(strict, handlers={"hello": {"isolation": "worker"}})
    strict.wait_log("handlers.hello: the workers take in no code while they run: handler "
                    "'hello' has processes of its own until 'tincan upgrade'")
    assert strict.get("/hello/x").status == 200
    assert strict.hosts("hello") == before


# What can be opened of the folder's files, by errno.
OPENS = {"code": r"""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static int opens(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	return fd < 0 ? errno : close(fd);
}
""", "first": r"""
	char said[256];

	int made = opens(FOLDER "/www/new", O_WRONLY | O_CREAT);

	snprintf(said, sizeof(said), "page=%d secret=%d made=%d removed=%d null=%d",
	    opens(FOLDER "/www/page.txt", O_RDONLY), opens(FOLDER "/secret", O_RDONLY),
	    made, unlink(FOLDER "/www/new") == 0 ? 0 : errno,
	    opens("/dev/null", O_RDWR));
	return tc.text(r, 200, said);
"""}


@pytest.fixture(scope="module")
def confined(tmp_path_factory, make_config, certificates):
    folder = tmp_path_factory.mktemp("confined")
    plug = plugs.Plugs(folder)
    for name in "reader", "writer", "closed":
        plug.drop(name, "", flags=[f'-DFOLDER="{folder}"'], **OPENS)
    for name in "echo", "files":
        plug.add(harness.PLUGINS / f"{name}.so")
    (folder / "www").mkdir()
    (folder / "www/page.txt").write_text("a page\n")
    (folder / "secret").write_text("a secret\n")
    server = harness.Server(folder, make_config(
        routes=[{"path": "/hello/{name}", "handler": "hello"},
                {"path": "/files/*", "handler": "files", "settings": {"root": "www"}}],
        handlers={"reader": {"paths": {"read": ["www", "nowhere"]}},
                  "writer": {"paths": {"write": ["www"]}},
                  "files": {"paths": {"read": ["www"]}}},
        plugins={"directory": str(plug.directory), "confined": True}), certificates)
    if landlock(server) < 3:
        server.stop()
        pytest.skip("the kernel has no landlock, or one that lets files be emptied")
    yield server
    server.stop()


@pytest.mark.parametrize("name, found", [
    ("reader", "page=0 secret=13 made=13 removed=2 null=0"),
    ("writer", "page=0 secret=13 made=0 removed=0 null=0"),
    ("closed", "page=13 secret=13 made=13 removed=2 null=0")])
def test_a_handler_opens_the_paths_that_it_has_been_given(confined, name, found):
    assert confined.get(f"/{name}").text == found


def test_handlers_that_ship_are_content_with_their_paths(confined):
    assert confined.get("/hello/x").text == "Hello, x!\n"
    assert confined.get("/files/page.txt").text == "a page\n"


def test_a_path_that_is_not_there_is_told(confined):
    done = harness.tincan("check", "--config", confined.config)
    assert re.search("handlers.reader.paths: warning: cannot grant '.*/nowhere': No such",
                     done.stderr), done.stderr


def test_a_reload_tells_whose_processes_keep_their_paths(confined):
    config = json.loads(confined.config.read_text())
    told = r"processes of handler '%s' that run keep the paths that they were given"
    config["handlers"]["closed"] = {"paths": {"read": ["www"]}}
    config["handlers"]["reader"] = {"paths": {"read": ["www", "nowhere"], "write": []}}
    confined.config.write_text(json.dumps(config))
    after = len(confined.lines)
    done = harness.tincan("reload", "--config", confined.config)
    assert done.returncode == 0, done.stderr
    confined.wait_log(r"server\.json:1: handlers\.closed\.paths: " + told % "closed")
    assert not re.search(told % "(reader|writer|files)", "".join(confined.lines[after:]))
    for pid in confined.hosts("closed"):
        os.kill(pid, signal.SIGKILL)
    plugs.contains(confined, "/closed", "page=0 ")
