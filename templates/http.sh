#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Tests @NAME@ by "tincan try": requests run through it without a server. See make test.
set -eu
cd "$(dirname "$0")"

# expect WHAT METHOD TARGET [OPTION]...: that request's reply has WHAT in it.
expect() {
	what=$1
	shift
	reply=$("${TINCAN:-tincan}" try @NAME@.so "$@")
	case $reply in
	*"$what"*)
		echo "ok: $*"
		;;
	*)
		printf 'FAILED: %s\nexpected: %s\nin:\n%s\n' "$*" "$what" "$reply" >&2
		exit 1
		;;
	esac
}

expect 'HTTP/1.1 200 OK' GET /@NAME@/Ada
expect 'Hello, Ada!' GET /@NAME@/Ada
expect 'Hello, Ada Lovelace!' GET /@NAME@/Ada%20Lovelace
expect 'Moin, Ada!' GET /@NAME@/Ada --settings '{"greeting": "Moin"}'
expect 'Hello, world!' GET / --route /
expect 'HTTP/1.1 405 ' DELETE /@NAME@/Ada
