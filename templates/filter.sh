#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Tests @NAME@ by "tincan try": requests run through it without a server. Behind it stands
# a handler that tells what it got. See make test.
set -eu
cd "$(dirname "$0")"

# reply_of [OPTION]...: the reply to a request with these.
reply_of() {
	"${TINCAN:-tincan}" try @NAME@.so POST /any/path -d 'some text' "$@"
}

# expect WHAT IN: WHAT is in it; refuse WHAT IN: it is not.
expect() {
	case $2 in
	*"$1"*) echo "ok: $1" ;;
	*) printf 'FAILED: expected: %s\nin:\n%s\n' "$1" "$2" >&2 && exit 1 ;;
	esac
}

refuse() {
	case $2 in
	*"$1"*) printf 'FAILED: not expected: %s\nin:\n%s\n' "$1" "$2" >&2 && exit 1 ;;
	*) echo "ok: no $1" ;;
	esac
}

open=$(reply_of)
expect 'HTTP/1.1 200 OK' "$open"
expect 'x-took: ' "$open"
expect 'POST /any/path' "$open"
expect 'some text' "$open"

known=$(reply_of --settings '{"key": "sesame"}' -H 'x-key: sesame')
expect 'HTTP/1.1 200 OK' "$known"
refuse 'sesame' "$known"

for wrong in 'x-key: salt' 'x-other: sesame'; do
	kept_out=$(reply_of --settings '{"key": "sesame"}' -H "$wrong")
	expect 'HTTP/1.1 403 ' "$kept_out"
	refuse 'POST /any/path' "$kept_out"
done
