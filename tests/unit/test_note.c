/* SPDX-License-Identifier: MIT */
#include "plugin/note.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/wait.h>

#include "rig.h"
#include "unit.h"

static unsigned char *image;
static size_t size;
static struct note note;
static char why[NOTE_WHY_BYTES];

static void set_up(void)
{
	image = rig_read("greeter", &size);
}

static void tear_down(void)
{
	free(image);
}

static Elf64_Ehdr *head(void)
{
	return (Elf64_Ehdr *)image;
}

static Elf64_Phdr *segment(unsigned type)
{
	Elf64_Phdr *programs = (Elf64_Phdr *)(image + head()->e_phoff);

	for (int i = 0; i < head()->e_phnum; i++) {
		if (programs[i].p_type == type) {
			return &programs[i];
		}
	}
	ck_abort_msg("no segment of type %u", type);
	return NULL;
}

static Elf64_Shdr *section(int i)
{
	return (Elf64_Shdr *)(image + head()->e_shoff) + i;
}

static void use(const char *name)
{
	free(image);
	image = rig_read(name, &size);
}

static void refuses(const char *text)
{
	ck_assert_int_eq(note_read(image, size, &note, why), ERR_INVALID);
	ck_assert_msg(strstr(why, text) != NULL, "said '%s', not '%s'", why, text);
}

START_TEST(reads_the_note_of_a_handler)
{
	ck_assert_msg(note_read(image, size, &note, why) == 0, "%s", why);
	ck_assert_str_eq(note.name, "greeter");
	ck_assert_uint_eq(note.abi, 1);
	ck_assert_uint_eq(note.need, 1);
	ck_assert_uint_eq(note.use, 1);
	ck_assert_uint_eq(note.header, 1);
	ck_assert_str_eq(why, "");
}
END_TEST

START_TEST(takes_a_handler_of_a_newer_header)
{
	use("future");
	ck_assert_int_eq(note_read(image, size, &note, why), 0);
	ck_assert_uint_eq(note.need, 1);
	ck_assert_uint_eq(note.header, 2);
}
END_TEST

START_TEST(refuses_what_is_no_elf_file)
{
	ck_assert_int_eq(note_read((const unsigned char *)"", 0, &note, why),
	    ERR_INVALID);
	ck_assert_str_eq(why, "not an ELF file");
	ck_assert_int_eq(note_read((const unsigned char *)"\177EL", 3, &note, why),
	    ERR_INVALID);
	ck_assert_int_eq(note_read((const unsigned char *)"#!/bin/sh\n", 10, &note, why),
	    ERR_INVALID);
	ck_assert_str_eq(why, "not an ELF file");
}
END_TEST

START_TEST(refuses_other_machines)
{
	head()->e_machine = head()->e_machine == EM_AARCH64 ? EM_RISCV : EM_AARCH64;
	refuses("built for ");
	head()->e_machine = 4711;
	refuses("built for machine 4711, this is ");
}
END_TEST

START_TEST(refuses_other_kinds_of_elf)
{
	image[EI_CLASS] = ELFCLASS32;
	refuses("not a 64-bit ELF file");
	image[EI_CLASS] = ELFCLASS64;
	image[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
	refuses("built for the other byte order");
	image[EI_DATA] ^= ELFDATA2LSB ^ ELFDATA2MSB;
	head()->e_type = ET_REL;
	refuses("not a shared object; build it with cc -shared -fPIC");
	head()->e_type = ET_DYN;
	head()->e_version = 9;
	refuses("unknown ELF version 9");
}
END_TEST

START_TEST(refuses_a_shared_object_without_a_note)
{
	use("no_note");
	refuses("not a tincan handler (no TINCAN_HANDLER)");
	ck_assert_str_eq(note.name, "");
}
END_TEST

START_TEST(refuses_another_interface)
{
	use("wrong_abi");
	refuses("made for handler interface 2, this tincan has 1");
}
END_TEST

START_TEST(refuses_a_higher_level_but_tells_the_name)
{
	use("needs_level_2");
	refuses("needs level 2, this tincan has level 1; a newer tincan will run it");
	ck_assert_str_eq(note.name, "needs_level_2");
}
END_TEST

START_TEST(refuses_a_level_that_never_was)
{
	static const struct { uint32_t levels[4]; char name[8]; } mark = { { 1, 1, 1, 1 },
		"greeter" };
	unsigned char *found = memmem(image, size, &mark, sizeof(mark));

	/* The second is the one that it needs. */
	ck_assert_ptr_nonnull(found);
	memset(found + sizeof(uint32_t), 0, sizeof(uint32_t));
	refuses("damaged: its note says that it needs level 0");
}
END_TEST

START_TEST(refuses_names_that_are_no_names)
{
	use("bad_name");
	refuses("its handler name is not 1 to 47 of a-z, 0-9, '_', '-'");
	ck_assert_str_eq(note.name, "");
}
END_TEST

START_TEST(refuses_segments_outside_the_file)
{
	segment(PT_LOAD)->p_filesz = size + 1;
	refuses("truncated: a segment ends at byte");
	segment(PT_LOAD)->p_filesz = UINT64_MAX;
	refuses("truncated: a segment ends at byte");
	segment(PT_LOAD)->p_filesz = 0;
	segment(PT_LOAD)->p_offset = UINT64_MAX;
	refuses("truncated: a segment ends at byte");
}
END_TEST

START_TEST(refuses_segments_that_make_no_sense)
{
	segment(PT_LOAD)->p_memsz = 0;
	refuses("damaged: a segment's size makes no sense");
	segment(PT_LOAD)->p_memsz = UINT64_MAX;
	segment(PT_LOAD)->p_vaddr = 4096;
	refuses("damaged: a segment's size makes no sense");
}
END_TEST

START_TEST(refuses_headers_outside_the_file)
{
	Elf64_Ehdr old = *head();

	head()->e_phoff = size - 8;
	refuses("truncated: its program headers");
	head()->e_phoff = UINT64_MAX;
	refuses("truncated: its program headers");
	*head() = old;
	head()->e_shoff = size - 8;
	refuses("truncated: its sections end at byte");
	head()->e_shoff = UINT64_MAX;
	refuses("truncated: its sections end at byte");
}
END_TEST

START_TEST(refuses_headers_of_a_wrong_size)
{
	Elf64_Ehdr old = *head();

	head()->e_phentsize = 0;
	refuses("damaged: its program headers make no sense");
	*head() = old;
	head()->e_phnum = 0;
	refuses("damaged: its program headers make no sense");
	*head() = old;
	head()->e_phnum = PN_XNUM;
	refuses("damaged: its program headers make no sense");
	*head() = old;
	head()->e_shentsize = 63;
	refuses("damaged: its section headers make no sense");
	*head() = old;
	head()->e_shnum = 0;
	refuses("damaged: its section headers make no sense");
}
END_TEST

START_TEST(refuses_sections_outside_the_file)
{
	section(1)->sh_size = size;
	refuses("truncated: a section ends at byte");
}
END_TEST

START_TEST(takes_a_file_without_section_headers)
{
	head()->e_shoff = 0;
	head()->e_shnum = 0;
	ck_assert_int_eq(note_read(image, size, &note, why), 0);
}
END_TEST

START_TEST(refuses_what_cannot_be_loaded)
{
	segment(PT_DYNAMIC)->p_type = PT_NULL;
	refuses("not a shared object: nothing in it can be loaded");
}
END_TEST

START_TEST(refuses_a_dynamic_section_of_zeros)
{
	memset(image + segment(PT_DYNAMIC)->p_offset, 0, segment(PT_DYNAMIC)->p_filesz);
	refuses("incomplete: its dynamic section is not written");
	segment(PT_DYNAMIC)->p_filesz = 8;
	refuses("damaged: its dynamic section is too small");
}
END_TEST

START_TEST(damaged_notes_are_not_found)
{
	unsigned char *notes = image + segment(PT_NOTE)->p_offset;
	Elf64_Phdr *programs = (Elf64_Phdr *)(image + head()->e_phoff);

	for (int i = 0; i < head()->e_phnum; i++) {
		if (programs[i].p_type == PT_NOTE) {
			memset(image + programs[i].p_offset, 0xff, 8);
		}
	}
	refuses("not a tincan handler (no TINCAN_HANDLER)");
	memset(notes, 0xff, segment(PT_NOTE)->p_filesz);
	refuses("not a tincan handler (no TINCAN_HANDLER)");
}
END_TEST

/* note_read on a block of its own, so that ASan sees a byte too far. */
static int read_copy(const unsigned char *data, size_t bytes)
{
	unsigned char *copy = malloc(bytes == 0 ? 1 : bytes);
	int rc;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, data, bytes);
	rc = note_read(copy, bytes, &note, why);
	free(copy);
	return rc;
}

START_TEST(of_a_half_copied_file_every_cut_is_refused)
{
	for (size_t cut = 0; cut < size; cut += 64) {
		ck_assert_msg(read_copy(image, cut) == ERR_INVALID,
		    "took %zu of %zu bytes", cut, size);
		ck_assert_uint_gt(strlen(why), 0);
	}
	for (size_t cut = size - 64; cut < size; cut++) {
		ck_assert_msg(read_copy(image, cut) == ERR_INVALID,
		    "took %zu of %zu bytes", cut, size);
	}
	ck_assert_int_eq(read_copy(image, size), 0);
}
END_TEST

/* Is the file fit to be loaded and asked for its handler, in a process of its own? */
static bool loads(const unsigned char *data, size_t bytes)
{
	char path[] = "/tmp/tincan-test-XXXXXX";
	int fd = mkstemp(path);
	int status = -1;
	pid_t child;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, bytes), (ssize_t)bytes);
	close(fd);
	child = fork();
	if (child == 0) {
		void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);

		if (object == NULL || dlsym(object, "tincan_handler_1") == NULL) {
			_exit(1);
		}
		_exit(0);
	}
	ck_assert_int_gt(child, 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	unlink(path);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

START_TEST(of_a_file_grown_before_it_is_written_no_cut_is_taken_that_would_crash)
{
	unsigned char *zeroed = malloc(size);
	size_t taken = 0;

	ck_assert_ptr_nonnull(zeroed);
	for (size_t cut = 0; cut < size; cut += 64) {
		memcpy(zeroed, image, size);
		memset(zeroed + cut, 0, size - cut);
		if (read_copy(zeroed, size) == 0) {
			taken++;
			ck_assert_msg(loads(zeroed, size), "took %zu of %zu bytes", cut,
			    size);
		}
	}
	/* Only where all that is missing is the end of the last section header. */
	ck_assert_uint_le(taken, 1);
	free(zeroed);
}
END_TEST

START_TEST(single_damaged_bytes_are_survived)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char old = image[i];

		image[i] ^= 0xff;
		(void)!note_read(image, size, &note, why);
		image[i] = old;
	}
	ck_assert_int_eq(note_read(image, size, &note, why), 0);
}
END_TEST

static void add_good(TCase *tcase)
{
	tcase_add_test(tcase, reads_the_note_of_a_handler);
	tcase_add_test(tcase, takes_a_handler_of_a_newer_header);
	tcase_add_test(tcase, takes_a_file_without_section_headers);
}

static void add_refusals(TCase *tcase)
{
	tcase_add_test(tcase, refuses_what_is_no_elf_file);
	tcase_add_test(tcase, refuses_other_machines);
	tcase_add_test(tcase, refuses_other_kinds_of_elf);
	tcase_add_test(tcase, refuses_a_shared_object_without_a_note);
	tcase_add_test(tcase, refuses_another_interface);
	tcase_add_test(tcase, refuses_a_higher_level_but_tells_the_name);
	tcase_add_test(tcase, refuses_a_level_that_never_was);
	tcase_add_test(tcase, refuses_names_that_are_no_names);
	tcase_add_test(tcase, damaged_notes_are_not_found);
}

static void add_bounds(TCase *tcase)
{
	tcase_add_test(tcase, refuses_segments_outside_the_file);
	tcase_add_test(tcase, refuses_segments_that_make_no_sense);
	tcase_add_test(tcase, refuses_headers_outside_the_file);
	tcase_add_test(tcase, refuses_headers_of_a_wrong_size);
	tcase_add_test(tcase, refuses_sections_outside_the_file);
	tcase_add_test(tcase, refuses_what_cannot_be_loaded);
	tcase_add_test(tcase, refuses_a_dynamic_section_of_zeros);
	tcase_add_test(tcase, of_a_half_copied_file_every_cut_is_refused);
	tcase_add_test(tcase,
	    of_a_file_grown_before_it_is_written_no_cut_is_taken_that_would_crash);
	tcase_add_test(tcase, single_damaged_bytes_are_survived);
}

int main(void)
{
	Suite *suite = suite_create("note");
	TCase *tcase = tcase_create("note");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_set_timeout(tcase, 60);
	add_good(tcase);
	add_refusals(tcase);
	add_bounds(tcase);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
