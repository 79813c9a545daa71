/* SPDX-License-Identifier: MIT */
/* Names for the backtrace of a plugin that crashed. */
#include "plugin/symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define SYMBOLS_SECTIONS 4096		/* of a file that is looked at */
#define SYMBOLS_READ 256		/* symbols read at a time */
#define SYMBOLS_FILE_MAX ((uint64_t)1 << 30)	/* bytes of it that are looked at */
#define SYMBOLS_NAME_BYTES 96		/* of one name; the rest is cut off */

/* Where a file has its symbols and their names. */
struct symbols {
	int fd;
	Elf64_Shdr table;
	Elf64_Shdr names;
};

/* The function that an address is in. */
struct match {
	uint64_t address;
	uint64_t start;
	uint32_t name;		/* in names */
	bool found;
};

/* A file that ends earlier is not what it says it is. */
static int read_at(int fd, void *out, size_t size, uint64_t offset)
{
	if (offset > SYMBOLS_FILE_MAX) {
		return ERR_INVALID;
	}
	return pread(fd, out, size, (off_t)offset) == (ssize_t)size ? 0 : ERR_INVALID;
}

static int read_section(int fd, const Elf64_Ehdr *head, size_t i, Elf64_Shdr *section)
{
	uint64_t offset = head->e_shoff + i * sizeof(*section);

	if (i >= head->e_shnum || head->e_shoff > SYMBOLS_FILE_MAX) {
		return ERR_INVALID;
	}
	return read_at(fd, section, sizeof(*section), offset);
}

/* The full table, which also knows static functions, rather than the dynamic one. */
static int find_table(const Elf64_Ehdr *head, struct symbols *symbols)
{
	bool found = false;

	for (size_t i = 0; i < head->e_shnum; i++) {
		Elf64_Shdr section;

		if (read_section(symbols->fd, head, i, &section) != 0) {
			return ERR_INVALID;
		}
		if (section.sh_type == SHT_SYMTAB ||
		    (section.sh_type == SHT_DYNSYM && !found)) {
			symbols->table = section;
			found = true;
		}
	}
	return found ? 0 : ERR_MISSING;
}

static bool section_valid(const Elf64_Shdr *section)
{
	return section->sh_offset <= SYMBOLS_FILE_MAX &&
	    section->sh_size <= SYMBOLS_FILE_MAX;
}

static int read_header(int fd, Elf64_Ehdr *head)
{
	int rc = read_at(fd, head, sizeof(*head), 0);

	if (rc == 0 && (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0 ||
	    head->e_ident[EI_CLASS] != ELFCLASS64 ||
	    head->e_shentsize != sizeof(Elf64_Shdr) ||
	    head->e_shnum > SYMBOLS_SECTIONS)) {
		rc = ERR_INVALID;
	}
	return rc;
}

static int open_symbols(const char *copy, struct symbols *symbols)
{
	Elf64_Ehdr head;
	int rc;

	symbols->fd = open(copy, O_RDONLY | O_CLOEXEC);
	if (symbols->fd < 0) {
		return ERR_SYSTEM;
	}
	rc = read_header(symbols->fd, &head);
	if (rc == 0) {
		rc = find_table(&head, symbols);
	}
	if (rc == 0) {
		rc = read_section(symbols->fd, &head, symbols->table.sh_link,
		    &symbols->names);
	}
	if (rc == 0 && (symbols->table.sh_entsize != sizeof(Elf64_Sym) ||
	    !section_valid(&symbols->table) || !section_valid(&symbols->names))) {
		rc = ERR_INVALID;
	}
	return rc;
}

static void try_symbol(const Elf64_Sym *symbol, struct match *matches, size_t count)
{
	if (ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_shndx == SHN_UNDEF) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct match *match = &matches[i];

		if (match->address >= symbol->st_value &&
		    match->address - symbol->st_value < symbol->st_size) {
			match->start = symbol->st_value;
			match->name = symbol->st_name;
			match->found = true;
		}
	}
}

static void match_all(const struct symbols *symbols, struct match *matches, size_t count)
{
	Elf64_Sym read[SYMBOLS_READ];
	uint64_t left = symbols->table.sh_size / sizeof(read[0]);
	uint64_t offset = symbols->table.sh_offset;

	while (left > 0) {
		size_t now = left < SYMBOLS_READ ? (size_t)left : SYMBOLS_READ;

		if (read_at(symbols->fd, read, now * sizeof(read[0]), offset) != 0) {
			return;
		}
		for (size_t i = 0; i < now; i++) {
			try_symbol(&read[i], matches, count);
		}
		left -= now;
		offset += now * sizeof(read[0]);
	}
}

/* A name, cut where it is long or not printable: it goes into a line of the log. */
static void read_name(const struct symbols *symbols, uint32_t name,
    char out[SYMBOLS_NAME_BYTES])
{
	const Elf64_Shdr *names = &symbols->names;
	uint64_t size = name < names->sh_size ? names->sh_size - name : 0;
	ssize_t got;
	size_t used = 0;

	if (size > SYMBOLS_NAME_BYTES - 1) {
		size = SYMBOLS_NAME_BYTES - 1;
	}
	got = pread(symbols->fd, out, (size_t)size, (off_t)(names->sh_offset + name));
	while (got > 0 && used < (size_t)got && out[used] > ' ' && out[used] < 0x7f) {
		used++;
	}
	out[used] = '\0';
}

/* A line that is cut when it is full. */
struct line {
	char *out;
	size_t size;
	size_t used;
};

static void add(struct line *line, const char *format, ...) PRINTF(2, 3);

static void add(struct line *line, const char *format, ...)
{
	size_t room = line->size - line->used;
	va_list ap;
	int added;

	va_start(ap, format);
	added = vsnprintf(line->out + line->used, room, format, ap);
	va_end(ap);
	if (added > 0) {
		line->used += (size_t)added < room ? (size_t)added : room - 1;
	}
}

static void add_match(struct line *line, const struct symbols *symbols,
    const struct match *match)
{
	char name[SYMBOLS_NAME_BYTES] = "";

	if (match->found) {
		read_name(symbols, match->name, name);
	}
	if (match->address == 0) {
		add(line, "...");
	} else if (name[0] == '\0') {
		add(line, "0x%llx", (unsigned long long)match->address);
	} else {
		add(line, "%s+0x%llx", name,
		    (unsigned long long)(match->address - match->start));
	}
}

/* A stack that overflowed says the same many times over. */
static void describe(struct line *line, const struct symbols *symbols,
    const struct match *matches, size_t count)
{
	size_t times;

	for (size_t i = 0; i < count; i += times) {
		times = 1;
		while (i + times < count &&
		    matches[i + times].address == matches[i].address) {
			times++;
		}
		add(line, "%s", i == 0 ? "" : ", ");
		add_match(line, symbols, &matches[i]);
		if (times > 1 && matches[i].address != 0) {
			add(line, " (%zu times)", times);
		}
	}
}

/* Without what is behind the outermost address of the file: our own functions. */
static size_t own_count(const uint64_t *addresses, size_t count)
{
	count = count < SYMBOLS_MAX ? count : SYMBOLS_MAX;
	while (count > 0 && addresses[count - 1] == 0) {
		count--;
	}
	return count;
}

void symbols_describe(const char *copy, const char *name, const uint64_t *addresses,
    size_t count, char *out, size_t size)
{
	struct match matches[SYMBOLS_MAX] = { 0 };
	struct line line = { .out = out, .size = size };
	struct symbols symbols;

	out[0] = '\0';
	count = own_count(addresses, count);
	if (count == 0) {
		return;
	}
	for (size_t i = 0; i < count; i++) {
		matches[i].address = addresses[i];
	}
	if (open_symbols(copy, &symbols) == 0) {
		match_all(&symbols, matches, count);
	}
	describe(&line, &symbols, matches, count);
	add(&line, " (%s)", name);
	if (symbols.fd >= 0) {
		close(symbols.fd);
	}
}
