# SPDX-License-Identifier: MIT
# @NAME@: "make" builds it, "make test" tries it, "make install" puts it where a server
# takes handlers from. One that runs there takes over a new build at once.

CFLAGS ?= -O2 -g -Wall -Wextra
TINCAN ?= @TINCAN@

# Where <tincan/handler.h> is, and the handlers of a server. Unless told, an installed
# tincan says so: make TINCAN_INCLUDE=/path/include HANDLERS=/path/plugins
ifdef TINCAN_INCLUDE
INCLUDE := -I$(TINCAN_INCLUDE)
else
INCLUDE := $(shell pkg-config --cflags tincan 2>/dev/null || echo @INCLUDE@)
endif
HANDLERS ?= $(shell pkg-config --variable=handlersdir tincan 2>/dev/null || echo @HANDLERS@)

# A file that others may write to is refused.
@NAME@.so: @NAME@.c
	$(CC) -std=c11 $(CPPFLAGS) $(INCLUDE) $(CFLAGS) -shared -fPIC -fvisibility=hidden \
		$(LDFLAGS) -o $@ $<
	@chmod go-w $@

test: @NAME@.so
	@TINCAN="$(TINCAN)" ./@TEST@

# At one stroke, so that no server sees half of it.
install: @NAME@.so
	@test -n "$(HANDLERS)" || { echo "say where: make install HANDLERS=..." >&2; exit 1; }
	install -d "$(DESTDIR)$(HANDLERS)"
	install -m 644 @NAME@.so "$(DESTDIR)$(HANDLERS)/.@NAME@.so.new"
	mv -f "$(DESTDIR)$(HANDLERS)/.@NAME@.so.new" "$(DESTDIR)$(HANDLERS)/@NAME@.so"

clean:
	rm -f @NAME@.so

.PHONY: test install clean
