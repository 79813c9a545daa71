#!/bin/sh
# SPDX-License-Identifier: MIT
# Makes ./configure and what it needs from configure.ac and Makefile.am.
set -eu
cd "$(dirname "$0")"
exec autoreconf --force --install
