# SPDX-License-Identifier: MIT
"""Faults on order: a server whose processes are built with tests/faults, and the page in
which they read what goes wrong. tests/faults/faults.h says what each field means."""

import mmap
import struct

import harness

TINCAN = harness.BUILD / "tests/faults/tincan"
EVERYBODY = -1
FIELDS = ("pid", "memory_after", "memory_count", "memory_failed", "memory_live",
          "io_bytes", "interrupt", "accept_errno", "accept_count", "write_errno",
          "write_count", "real_ms", "monotonic_ms")


class Faults:
    """The page, its fields as attributes."""

    def __init__(self, path):
        path.write_bytes(bytes(mmap.PAGESIZE))
        with open(path, "r+b") as file:
            self.__dict__["page"] = mmap.mmap(file.fileno(), mmap.PAGESIZE)

    def __getattr__(self, name):
        return struct.unpack_from("q", self.page, 8 * FIELDS.index(name))[0]

    def __setattr__(self, name, value):
        struct.pack_into("q", self.page, 8 * FIELDS.index(name), value)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.clear()

    def clear(self):
        """No faults any more."""
        for name in FIELDS:
            setattr(self, name, 0)

    def order(self, pid, **faults):
        """From now on, in that process."""
        self.clear()
        for name, value in faults.items():
            setattr(self, name, value)
        self.pid = pid
        return self


def start(folder, config, certificates, program=TINCAN, **ordered):
    """A server, and its Faults; those ordered have been there when it started."""
    path = folder / "faults"
    faults = Faults(path)
    if ordered:
        faults.order(EVERYBODY, **ordered)
    # What the linker keeps seems to be ours; engines of HTTP/2 are left (h2_stream.h).
    known = folder / "known"
    known.write_text("leak:dl_open_worker_begin\nleak:_dl_\nleak:libnghttp2.so\n")
    server = harness.Server(folder, config, certificates, program=program, prefix=(
        "env", f"TINCAN_FAULTS={path}",
        f"LSAN_OPTIONS=suppressions={known}:print_suppressions=0"))
    return server, faults
