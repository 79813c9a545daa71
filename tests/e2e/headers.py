# SPDX-License-Identifier: MIT
"""What the public headers declare, for tests that hold others to it."""

import re

import harness

INCLUDE = harness.TOP / "include/tincan"
# What says of a struct itself, and is set by a macro.
PLAIN = {"size", "level", "need", "api", "api_size", "name", "reserved"}


def text_of(header):
    return re.sub(r"/\*.*?\*/", " ", (INCLUDE / header).read_text(), flags=re.DOTALL)


def members(header, struct):
    """The names of a struct's members, functions and others, but the plain ones."""
    body = re.search(rf"struct {struct} {{\n(.*?)^}} {struct};", text_of(header),
                     re.DOTALL | re.MULTILINE)[1]
    body = re.sub(r"^#.*$", "", body, flags=re.MULTILINE)
    names = []
    for line in re.sub(r"\s+", " ", body).split(";"):
        pointer = re.match(r".*?\(\*(\w+)\)", line)
        names += [pointer[1]] if pointer else [
            re.findall(r"\w+", name)[-1] for name in line.split(",") if name.strip()]
    return [name for name in names if name not in PLAIN]


def constants(header):
    """The names of all that a handler can write, but functions and types."""
    found = set(re.findall(r"\bT(?:C|INCAN)_[A-Z_]+\b", text_of(header)))
    return found - {"TINCAN_HANDLER_H", "TINCAN_BUS_H", "TINCAN_METRICS_H", "TC_QUIET",
                    "TC_LOUD", "TC_NOTE", "TC_FORMAT"}
