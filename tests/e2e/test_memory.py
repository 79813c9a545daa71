# SPDX-License-Identifier: MIT
"""Downloads and uploads of any size leave every process's memory flat. TINCAN_LONG=1
tries it with 10 GB each."""

import os
import re
import subprocess
import time

import pytest

import harness
import plugs

LONG = bool(os.environ.get("TINCAN_LONG"))
SIZE = 10_000_000_000 if LONG else 200_000_000
SECONDS = 1800 if LONG else 120
FLAT = 2 << 20  # bytes that a process may grow by, whatever the size

pytestmark = pytest.mark.skipif(harness.SANITIZED,
                                reason="a sanitizer keeps what is freed")


@pytest.fixture(params=["host", "worker"])
def server(start_server, tmp_path, request):
    plug = plugs.Plugs(tmp_path)
    plug.add(harness.BUILD / "tests/plugins/upload.so")
    return start_server(
        workers=1, plugins={"directory": str(plug.directory)}, routes=[],
        handlers={"upload": {"isolation": request.param, "max_body_bytes": SIZE}})


def peaks(server):
    """The most memory that each process has had so far, in bytes."""
    return {pid: 1024 * int(re.search(r"VmHWM:\s*(\d+) kB", open(
        f"/proc/{pid}/status").read())[1]) for pid in
            [server.pid, *server.workers, *server.hosts("upload")]}


def curl(server, target, *arguments, stdin=subprocess.DEVNULL):
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--cacert",
         server.certificates / "ca.crt", "--resolve",
         f"localhost:{server.port}:{server.host}", *arguments, server.url(target)],
        stdin=stdin, stdout=subprocess.PIPE, timeout=SECONDS, check=True)
    return done.stdout.decode()


def download(server, version, size):
    got = curl(server, f"/upload/send?{size}", version, "--output", "/dev/null",
               "--write-out", "%{size_download}")
    assert int(got) == size


def upload(server, version, size):
    with subprocess.Popen(["head", "-c", str(size), "/dev/zero"],
                          stdout=subprocess.PIPE) as zeros:
        text = curl(server, "/upload/count", version, "--request", "POST",
                    "--upload-file", "-", stdin=zeros.stdout)
    assert text == f"{size} {size % 65521 << 16 | 1} 0\n"


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
@pytest.mark.parametrize("way", [download, upload])
def test_memory_stays_flat(server, version, way):
    way(server, version, 20_000_000)
    before = peaks(server)
    began = time.monotonic()
    way(server, version, SIZE)
    grown = {pid: peak - before[pid] for pid, peak in peaks(server).items()}
    print(f"{way.__name__} {version} {SIZE} bytes: {time.monotonic() - began:.1f} s,",
          ", ".join(f"{harness.name(pid)} {size // 1024} KiB"
                    for pid, size in grown.items()))
    assert max(grown.values()) < FLAT, grown
