# SPDX-License-Identifier: MIT
"""What a handler can still do: a use of each group of calls that it may make."""

import re

import pytest

import harness
import plugs

# Each use says its errno, or 0.
USES = {"flags": ["-D_GNU_SOURCE"], "code": r"""
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <mqueue.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/sendfile.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>

static char said[2048];

static void say(const char *name, int good)
{
	int error = good ? 0 : errno != 0 ? errno : -1;
	size_t used = strlen(said);

	snprintf(said + used, sizeof(said) - used, "%s=%d ", name, error);
	errno = 0;
}

static int ended_well(int status)
{
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int piped(void)
{
	char line[64] = "";
	FILE *pipe = popen("echo 1 2 3 | cat | tr -d ' '", "r");

	return pipe != NULL && fgets(line, sizeof(line), pipe) != NULL &&
	    ended_well(pclose(pipe)) && strcmp(line, "123\n") == 0;
}

static int spawned(void)
{
	char *arguments[] = { "true", NULL };
	int status = 1;
	pid_t pid;

	errno = posix_spawnp(&pid, "true", NULL, NULL, arguments, environ);
	return errno == 0 && waitpid(pid, &status, 0) == pid && ended_well(status);
}

static int executed(void)
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0) {
		execlp("ls", "ls", "/proc/self/fd/0", NULL);
		_exit(1);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid;
}

static void *give(void *arg)
{
	return arg;
}

static int threaded(void)
{
	pthread_t thread;
	void *given = NULL;

	errno = pthread_create(&thread, NULL, give, said);
	return errno == 0 && pthread_join(thread, &given) == 0 && given == said;
}

static int resolved(void)
{
	struct addrinfo hints = { .ai_flags = AI_ADDRCONFIG }, *found = NULL;
	struct ifaddrs *addresses = NULL;
	int rc = getaddrinfo("127.0.0.1", "80", &hints, &found);

	freeaddrinfo(found);
	rc = rc != 0 ? rc : getaddrinfo("localhost", NULL, NULL, &found);
	freeaddrinfo(rc == 0 ? found : NULL);
	rc = rc != 0 ? rc : getifaddrs(&addresses);
	freeifaddrs(addresses);
	return rc == 0;
}

static int connected(void)
{
	struct sockaddr_storage name = { .ss_family = AF_INET6 };
	socklen_t size = sizeof(name);
	int listener = socket(AF_INET6, SOCK_STREAM, 0), pair[2];
	int client = socket(AF_INET6, SOCK_STREAM, 0);
	int good = bind(listener, (void *)&name, sizeof(name)) == 0 &&
	    listen(listener, 1) == 0 &&
	    getsockname(listener, (void *)&name, &size) == 0 &&
	    connect(client, (void *)&name, size) == 0 && send(client, "x", 1, 0) == 1 &&
	    socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0;

	close(listener);
	close(client);
	close(pair[0]);
	close(pair[1]);
	return good;
}

static int waited(void)
{
	struct itimerspec soon = { .it_value.tv_nsec = 1 };
	struct epoll_event event = { .events = EPOLLIN };
	int epoll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
	int counter = eventfd(1, 0);
	uint64_t times = 0;
	int good = timerfd_settime(timer, 0, &soon, NULL) == 0 &&
	    epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event) == 0 &&
	    epoll_wait(epoll, &event, 1, -1) == 1 &&
	    read(counter, &times, sizeof(times)) == sizeof(times);

	close(epoll);
	close(timer);
	close(counter);
	return good;
}

static int timed(void)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	struct timespec short_time = { .tv_nsec = 1 };
	timer_t timer;

	return timer_create(CLOCK_MONOTONIC, &none, &timer) == 0 &&
	    timer_delete(timer) == 0 && nanosleep(&short_time, NULL) == 0;
}

static int signalled(void)
{
	sigset_t set;
	struct signalfd_siginfo info;
	int fd, good;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, 0);
	good = raise(SIGRTMIN) == 0 && read(fd, &info, sizeof(info)) == sizeof(info);
	close(fd);
	return good;
}

static int watched(const char *file)
{
	struct inotify_event event;
	int watch = inotify_init1(0);
	int good = inotify_add_watch(watch, file, IN_ATTRIB) >= 0 &&
	    chmod(file, 0640) == 0 && read(watch, &event, sizeof(event)) > 0;

	close(watch);
	return good;
}

static int kept(const char *file)
{
	struct statvfs system;
	int pipes[2], fd = open(file, O_RDWR | O_CREAT, 0600);
	char *text = MAP_FAILED;
	int good = fd >= 0 && pipe(pipes) == 0 && flock(fd, LOCK_EX) == 0 &&
	    posix_fallocate(fd, 0, 4096) == 0 && pwrite(fd, "text", 4, 0) == 4 &&
	    fsync(fd) == 0 && sendfile(pipes[1], fd, &(off_t){ 0 }, 4) == 4 &&
	    splice(fd, &(off_t){ 0 }, pipes[1], NULL, 4, 0) == 4 &&
	    fstatvfs(fd, &system) == 0 && flistxattr(fd, NULL, 0) >= 0 &&
	    (text = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) !=
	    MAP_FAILED && memcmp(text, "text", 4) == 0 && msync(text, 4096, MS_SYNC) == 0;

	if (text != MAP_FAILED) {
		munmap(text, 4096);
	}
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
	return good;
}

static int held(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
	int fd = memfd_create("uses", 0);
	int good = ftruncate(fd, 4096) == 0 && madvise(page, 4096, MADV_DONTNEED) == 0 &&
	    mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0 && munmap(page, 4096) == 0;

	close(fd);
	return good;
}

static int shared(void)
{
	char name[32];
	int id, fd, good;
	sem_t *semaphore;
	mqd_t queue;

	snprintf(name, sizeof(name), "/uses-%d", getpid());
	fd = shm_open(name, O_RDWR | O_CREAT, 0600);
	semaphore = sem_open(name, O_CREAT, 0600, 1);
	queue = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
	good = fd >= 0 && semaphore != SEM_FAILED && sem_wait(semaphore) == 0 &&
	    queue != (mqd_t)-1 && mq_send(queue, "x", 1, 0) == 0;
	shm_unlink(name);
	sem_unlink(name);
	mq_unlink(name);
	mq_close(queue);
	close(fd);
	id = shmget(IPC_PRIVATE, 4096, 0600);
	good = good && shmctl(id, IPC_RMID, NULL) == 0;
	id = semget(IPC_PRIVATE, 1, 0600);
	return good && semctl(id, 0, IPC_RMID) == 0;
}

static int placed(void)
{
	cpu_set_t cpus;

	return sched_getaffinity(0, sizeof(cpus), &cpus) == 0 &&
	    sched_setaffinity(0, sizeof(cpus), &cpus) == 0 && sched_yield() == 0 &&
	    getpriority(PRIO_PROCESS, 0) >= -20;
}

static void use_all(void)
{
	char file[] = "/tmp/tincan-uses-XXXXXX";

	said[0] = 0;
	errno = 0;
	say("file", (close(mkstemp(file)), kept(file)));
	say("inotify", watched(file));
	unlink(file);
	say("popen", piped());
	say("spawn", spawned());
	say("exec", executed());
	say("thread", threaded());
	say("resolver", resolved());
	say("sockets", connected());
	say("epoll", waited());
	say("timer", timed());
	say("signal", signalled());
	say("memory", held());
	say("ipc", shared());
	say("place", placed());
}
""", "first": "use_all(); return tc.text(r, 200, said);"}


@pytest.mark.parametrize("isolation", ["host", "worker"])
def test_a_handler_does_what_services_do(tmp_path, make_config, certificates, isolation):
    plug = plugs.Plugs(tmp_path)
    plug.drop("uses", "", **USES)
    server = harness.Server(tmp_path, make_config(
        routes=[{"path": "/uses", "handler": "uses"}],
        handlers={"uses": {"isolation": isolation}},
        plugins={"directory": str(plug.directory)}), certificates)
    try:
        found = re.findall(r"(\w+)=(-?\d+)", server.get("/uses").text)
    finally:
        server.stop()
    assert len(found) == 14
    assert [] == [(name, error) for name, error in found if error != "0"]
