# SPDX-License-Identifier: MIT
"""Plugins that a test makes for itself, and where it drops them."""

import os
import pathlib
import subprocess

import harness

SOURCE = """
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <tincan/handler.h>
#include <unistd.h>

%(code)s

static int answer(tc_req *r)
{
	%(first)s
	return tc.text(r, 200, "%(text)s");
}

TINCAN_HANDLER("%(name)s", %(request)s%(fields)s);
"""

# To build one that takes WebSockets and streams too, and is silent on them.
CONNECTS = {"fields": ".on_connect = connected", "code": """
static int connected(tc_conn *c, tc_req *upgrade)
{
	(void)c;
	(void)upgrade;
	return TC_OK;
}
"""}


def build(path, name, text, code="", first="", fields="", flags=(),
          request=".on_request = answer"):
    """Compiles a handler that answers with the text; the linker writes path itself."""
    source = SOURCE % {"name": name, "text": text, "code": code, "first": first,
                       "fields": fields and ", " + fields, "request": request}
    subprocess.run(["cc", "-g", "-shared", "-fPIC", "-fvisibility=hidden", *flags,
                    f"-I{harness.TOP}/include", "-o", path, "-x", "c", "-"],
                   input=source, text=True, check=True)
    return pathlib.Path(path)


class Plugs:
    """A plugin directory, and a folder on the same file system to make files in."""

    def __init__(self, folder):
        self.directory = folder / "plugins"
        self.workshop = folder / "workshop"
        self.directory.mkdir()
        self.workshop.mkdir()
        self.made = 0
        self.add(harness.PLUGINS / "hello.so")

    def __truediv__(self, name):
        return self.directory / name

    def add(self, file, name=None):
        """Puts a copy of the file there at one stroke."""
        copy = self.workshop / "copy"
        copy.write_bytes(pathlib.Path(file).read_bytes())
        os.rename(copy, self / (name or pathlib.Path(file).name))

    def make(self, name, text, **options):
        """A new handler, made beside the directory."""
        self.made += 1
        return build(self.workshop / f"{self.made}.so", name, text, **options)

    def drop(self, name, text, **options):
        """A new handler in the directory, at one stroke, as name.so."""
        os.rename(self.make(name, text, **options), self / f"{name}.so")


def contains(server, target, text):
    """Waits until what is answered at that target has the text in it."""
    harness.wait_for(lambda: text in server.get(target).text, f"'{text}' at {target}")


def answers(server, target, text):
    """Waits until that target is answered with that text."""
    def answered():
        return server.get(target).text == text
    try:
        harness.wait_for(answered, f"'{text}' at {target}")
    except AssertionError as error:
        raise AssertionError(f"{error}; the log:\n{server.log}") from None
