/* SPDX-License-Identifier: MIT */
/*
 * The ELF note of a handler file. glibc's dlopen trusts what it maps: of a half-written
 * file it makes a SIGBUS. So the file is held against its own headers first, and a file
 * that was grown to its size but not yet filled shows by the zeros in its section table.
 * Headers are copied out, as an image need not be aligned.
 */
#include "plugin/note.h"

#include <elf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tincan/handler.h"

#define NOTE_OWNER "TINCAN"
#define NOTE_TYPE 1
#define NOTE_ABI 1
#define NOTE_PROGRAM_HEADERS_MAX 128

struct image {
	const unsigned char *data;
	size_t size;
	Elf64_Ehdr head;
	char *why;
};

/* The descriptor of the note, as tc_note has it behind the owner. */
struct descriptor {
	uint32_t abi;
	uint32_t need;
	uint32_t use;
	uint32_t header;
	char name[48];
};

_Static_assert(sizeof(struct descriptor) == sizeof(tc_note) - offsetof(tc_note, abi),
    "the header's note and this one must be the same");

/* Our own ELF header, from the linker: what we were built for, without an #if. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static int refuse(const struct image *image, const char *format, ...) PRINTF(2, 3);

static int refuse(const struct image *image, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(image->why, NOTE_WHY_BYTES, format, ap);
	va_end(ap);
	return ERR_INVALID;
}

static const char *machine_name(unsigned machine, char other[16])
{
	switch (machine) {
	case EM_X86_64:
		return "x86-64";
	case EM_AARCH64:
		return "aarch64";
	case EM_386:
		return "i386";
	case EM_ARM:
		return "arm";
	case EM_RISCV:
		return "riscv";
	default:
		snprintf(other, 16, "machine %u", machine);
		return other;
	}
}

/* Do count items of size bytes at offset lie inside the file? */
static bool inside(const struct image *image, uint64_t offset, uint64_t count,
    uint64_t size)
{
	return offset <= image->size &&
	    (size == 0 || count <= (image->size - offset) / size);
}

static int check_machine(const struct image *image)
{
	char theirs[16];
	char ours[16];

	if (image->head.e_machine != __ehdr_start.e_machine) {
		return refuse(image, "built for %s, this is %s",
		    machine_name(image->head.e_machine, theirs),
		    machine_name(__ehdr_start.e_machine, ours));
	}
	if (image->head.e_type != ET_DYN) {
		return refuse(image,
		    "not a shared object; build it with cc -shared -fPIC");
	}
	return 0;
}

static int check_head(struct image *image)
{
	const unsigned char *ident = image->data;

	if (image->size < SELFMAG || memcmp(ident, ELFMAG, SELFMAG) != 0) {
		return refuse(image, "not an ELF file");
	}
	if (image->size < sizeof(image->head)) {
		return refuse(image,
		    "truncated: its ELF header ends at byte %zu but the file has %zu",
		    sizeof(image->head), image->size);
	}
	if (ident[EI_CLASS] != __ehdr_start.e_ident[EI_CLASS]) {
		return refuse(image, "not a 64-bit ELF file");
	}
	if (ident[EI_DATA] != __ehdr_start.e_ident[EI_DATA]) {
		return refuse(image, "built for the other byte order");
	}
	memcpy(&image->head, image->data, sizeof(image->head));
	if (image->head.e_version != EV_CURRENT || ident[EI_VERSION] != EV_CURRENT) {
		return refuse(image, "unknown ELF version %u", image->head.e_version);
	}
	return check_machine(image);
}

static void get_program_header(const struct image *image, size_t i, Elf64_Phdr *program)
{
	memcpy(program, image->data + image->head.e_phoff + i * sizeof(*program),
	    sizeof(*program));
}

static int check_segment(const struct image *image, const Elf64_Phdr *program)
{
	if (!inside(image, program->p_offset, 1, program->p_filesz)) {
		return refuse(image,
		    "truncated: a segment ends at byte %llu but the file has %zu",
		    (unsigned long long)(program->p_offset + program->p_filesz),
		    image->size);
	}
	if (program->p_type != PT_LOAD) {
		return 0;
	}
	if (program->p_filesz > program->p_memsz ||
	    program->p_memsz > UINT64_MAX - program->p_vaddr) {
		return refuse(image, "damaged: a segment's size makes no sense");
	}
	return 0;
}

/* A dynamic section of zeros is one that was not yet written. */
static int check_dynamic(const struct image *image, const Elf64_Phdr *program)
{
	Elf64_Dyn first;

	if (program->p_filesz < sizeof(first)) {
		return refuse(image, "damaged: its dynamic section is too small");
	}
	memcpy(&first, image->data + program->p_offset, sizeof(first));
	if (first.d_tag == DT_NULL) {
		return refuse(image, "incomplete: its dynamic section is not written");
	}
	return 0;
}

static int check_segments(const struct image *image)
{
	const Elf64_Ehdr *head = &image->head;
	Elf64_Phdr program;
	bool loads = false;
	bool dynamic = false;
	int rc = 0;

	if (head->e_phentsize != sizeof(program) || head->e_phnum == 0 ||
	    head->e_phnum > NOTE_PROGRAM_HEADERS_MAX) {
		return refuse(image, "damaged: its program headers make no sense");
	}
	if (!inside(image, head->e_phoff, head->e_phnum, sizeof(program))) {
		return refuse(image,
		    "truncated: its program headers end behind the file's %zu bytes",
		    image->size);
	}
	for (size_t i = 0; rc == 0 && i < head->e_phnum; i++) {
		get_program_header(image, i, &program);
		rc = check_segment(image, &program);
		if (rc == 0 && program.p_type == PT_DYNAMIC) {
			rc = check_dynamic(image, &program);
			dynamic = true;
		}
		loads = loads || program.p_type == PT_LOAD;
	}
	if (rc == 0 && (!loads || !dynamic)) {
		rc = refuse(image, "not a shared object: nothing in it can be loaded");
	}
	return rc;
}

static int check_section(const struct image *image, size_t i)
{
	Elf64_Shdr section;

	memcpy(&section, image->data + image->head.e_shoff + i * sizeof(section),
	    sizeof(section));
	if (i > 0 && section.sh_type == SHT_NULL) {
		return refuse(image, "incomplete: its section %zu of %u is not written",
		    i, image->head.e_shnum);
	}
	if (section.sh_type != SHT_NULL && section.sh_type != SHT_NOBITS &&
	    !inside(image, section.sh_offset, 1, section.sh_size)) {
		return refuse(image,
		    "truncated: a section ends at byte %llu but the file has %zu",
		    (unsigned long long)(section.sh_offset + section.sh_size),
		    image->size);
	}
	return 0;
}

/* The section table is what linkers write last. A file may do without one (sstrip). */
static int check_sections(const struct image *image)
{
	const Elf64_Ehdr *head = &image->head;
	int rc = 0;

	if (head->e_shoff == 0) {
		return 0;
	}
	if (head->e_shentsize != sizeof(Elf64_Shdr) || head->e_shnum == 0) {
		return refuse(image, "damaged: its section headers make no sense");
	}
	if (!inside(image, head->e_shoff, head->e_shnum, sizeof(Elf64_Shdr))) {
		return refuse(image,
		    "truncated: its sections end at byte %llu but the file has %zu",
		    (unsigned long long)head->e_shoff +
		    head->e_shnum * (unsigned long long)sizeof(Elf64_Shdr), image->size);
	}
	for (size_t i = 0; rc == 0 && i < head->e_shnum; i++) {
		rc = check_section(image, i);
	}
	return rc;
}

static uint64_t aligned(uint64_t size, uint64_t align)
{
	return (size + align - 1) & ~(align - 1);
}

/* Finds our note among those of one segment; false if there is none. */
static bool find_in_segment(const struct image *image, const Elf64_Phdr *program,
    struct descriptor *found)
{
	const unsigned char *data = image->data + program->p_offset;
	uint64_t align = program->p_align == 8 ? 8 : 4;
	uint64_t left = program->p_filesz;
	Elf64_Nhdr note;

	while (left >= sizeof(note)) {
		uint64_t start;
		uint64_t total;

		memcpy(&note, data, sizeof(note));
		start = aligned(sizeof(note) + (uint64_t)note.n_namesz, align);
		total = start + note.n_descsz;
		if (total > left) {
			return false;
		}
		if (note.n_type == NOTE_TYPE && note.n_namesz == sizeof(NOTE_OWNER) &&
		    memcmp(data + sizeof(note), NOTE_OWNER, sizeof(NOTE_OWNER)) == 0 &&
		    note.n_descsz >= sizeof(*found)) {
			memcpy(found, data + start, sizeof(*found));
			return true;
		}
		total = aligned(total, align);
		if (total > left) {
			return false;
		}
		data += total;
		left -= total;
	}
	return false;
}

static bool find_note(const struct image *image, struct descriptor *found)
{
	Elf64_Phdr program;

	for (size_t i = 0; i < image->head.e_phnum; i++) {
		get_program_header(image, i, &program);
		if (program.p_type == PT_NOTE &&
		    find_in_segment(image, &program, found)) {
			return true;
		}
	}
	return false;
}

static bool name_valid(const char name[48])
{
	size_t size = strnlen(name, 48);

	return size > 0 && size < 48 &&
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == size;
}

static int judge(const struct image *image, const struct descriptor *found,
    struct note *note)
{
	if (found->abi != NOTE_ABI) {
		return refuse(image, "made for handler interface %u, this tincan has %u",
		    found->abi, NOTE_ABI);
	}
	if (!name_valid(found->name)) {
		return refuse(image,
		    "its handler name is not 1 to 47 of a-z, 0-9, '_', '-'");
	}
	note->abi = found->abi;
	note->need = found->need;
	note->use = found->use;
	note->header = found->header;
	memcpy(note->name, found->name, sizeof(note->name));
	if (found->need == 0) {
		return refuse(image, "damaged: its note says that it needs level 0");
	}
	if (found->need > TC_LEVEL) {
		return refuse(image,
		    "needs level %u, this tincan has level %u; a newer tincan will "
		    "run it", found->need, TC_LEVEL);
	}
	return 0;
}

int note_read(const unsigned char *data, size_t size, struct note *note,
    char why[NOTE_WHY_BYTES])
{
	struct image image = { .data = data, .size = size, .why = why };
	struct descriptor found;
	int rc;

	memset(note, 0, sizeof(*note));
	why[0] = '\0';
	rc = check_head(&image);
	if (rc == 0) {
		rc = check_segments(&image);
	}
	if (rc == 0) {
		rc = check_sections(&image);
	}
	if (rc == 0 && !find_note(&image, &found)) {
		rc = refuse(&image, "not a tincan handler (no TINCAN_HANDLER)");
	}
	return rc == 0 ? judge(&image, &found, note) : rc;
}
