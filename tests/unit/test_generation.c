/* SPDX-License-Identifier: MIT */
/* A generation on its way: what goes in comes out, and what was cut is refused. */
#include "site/generation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "configs.h"
#include "unit.h"

static const char text[] =
    "{\"certificates\":[{\"chain\":\"a\",\"key\":\"b\"}],"
    "\"listeners\":[{\"address\":\"127.0.0.1:0\"},"
    "{\"address\":\"[::1]:8443\"}],"
    "\"routes\":[{\"path\":\"/x\",\"handler\":\"hello\"}]}";

static struct generation_listener listeners[] = { { 7, 40000 }, { 9, 8443 } };
static struct plugin plugins[2];
static struct config *config;
static char *packed;		/* the bytes of a whole one */
static size_t packed_size;

static void make_plugins(void)
{
	memset(plugins, 0, sizeof(plugins));
	plugins[0] = (struct plugin){ .file = "plugins/hello.so", .copy = "run/h.so",
		.hash = "0123456789abcdef", .note = { .name = "hello", .need = 1 },
		.version = 3, .isolated = true, .own_route = "/hello",
		.can = PLUGIN_CONNECTS };
	plugins[1] = (struct plugin){ .file = "plugins/bad.so",
		.refusal = "not an ELF file" };
}

static int pack(void)
{
	struct generation_message message = { .number = 5, .config = config,
		.plugins = { plugins, 2 }, .listeners = listeners };
	int fd;

	ck_assert_int_eq(generation_pack(&message, slice_of(text), &fd), 0);
	return fd;
}

static void set_up(void)
{
	struct stat status;
	int fd;

	config = configs_parse("server.json", text);
	make_plugins();
	fd = pack();
	ck_assert_int_eq(fstat(fd, &status), 0);
	packed_size = (size_t)status.st_size;
	packed = malloc(packed_size);
	ck_assert_ptr_nonnull(packed);
	ck_assert_int_eq(pread(fd, packed, packed_size, 0), packed_size);
	close(fd);
}

static void tear_down(void)
{
	config_free(config);
	free(packed);
}

static int unpack_bytes(const char *data, size_t size)
{
	struct generation_message message;
	int fd = memfd_create("tincan-test", MFD_CLOEXEC);
	int rc;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, data, size), size);
	rc = generation_unpack(fd, &message);
	generation_release(&message);
	close(fd);
	return rc;
}

START_TEST(what_goes_in_comes_out)
{
	struct generation_message out;
	int fd = pack();

	ck_assert_int_eq(generation_unpack(fd, &out), 0);
	ck_assert_uint_eq(out.number, 5);
	ck_assert_str_eq(out.config->file, "server.json");
	ck_assert_uint_eq(out.config->route_count, 1);
	ck_assert_uint_eq(out.config->listener_count, 2);
	ck_assert_uint_eq(out.listeners[0].id, 7);
	ck_assert_uint_eq(out.listeners[0].port, 40000);
	ck_assert_uint_eq(out.config->listeners[0].port, 40000);
	ck_assert_uint_eq(out.listeners[1].id, 9);
	generation_release(&out);
	close(fd);
}
END_TEST

START_TEST(plugins_come_out_as_they_were_judged)
{
	struct generation_message out;
	const struct plugin *plugin;
	int fd = pack();

	ck_assert_int_eq(generation_unpack(fd, &out), 0);
	ck_assert_uint_eq(out.plugins.count, 2);
	plugin = &out.plugins.items[0];
	ck_assert_str_eq(plugin->file, "plugins/hello.so");
	ck_assert_str_eq(plugin->copy, "run/h.so");
	ck_assert_str_eq(plugin->hash, "0123456789abcdef");
	ck_assert_str_eq(plugin->note.name, "hello");
	ck_assert_uint_eq(plugin->note.need, 1);
	ck_assert_uint_eq(plugin->version, 3);
	ck_assert(plugin->isolated);
	ck_assert_uint_eq(plugin->can, PLUGIN_CONNECTS);
	ck_assert_str_eq(plugin->own_route, "/hello");
	ck_assert_ptr_null(plugin->refusal);
	plugin = &out.plugins.items[1];
	ck_assert_str_eq(plugin->refusal, "not an ELF file");
	ck_assert_ptr_null(plugin->copy);
	ck_assert_ptr_null(plugin->own_route);
	ck_assert(!plugin->isolated);
	generation_release(&out);
	close(fd);
}
END_TEST

START_TEST(nobody_can_change_it_on_its_way)
{
	int fd = pack();

	ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	close(fd);
}
END_TEST

START_TEST(refuses_every_part_of_one)
{
	ck_assert_int_eq(unpack_bytes(packed, packed_size), 0);
	for (size_t size = 0; size < packed_size; size++) {
		ck_assert_int_eq(unpack_bytes(packed, size), ERR_PROTOCOL);
	}
}
END_TEST

START_TEST(refuses_more_than_one)
{
	char *longer = malloc(packed_size + 1);

	ck_assert_ptr_nonnull(longer);
	memcpy(longer, packed, packed_size);
	longer[packed_size] = '\0';
	ck_assert_int_eq(unpack_bytes(longer, packed_size + 1), ERR_PROTOCOL);
	free(longer);
}
END_TEST

/* Whatever byte is wrong: it may mean another generation, but nothing worse. */
START_TEST(any_wrong_byte_is_survived)
{
	for (size_t i = 0; i < packed_size; i++) {
		char right = packed[i];
		int rc;

		packed[i] = (char)~right;
		rc = unpack_bytes(packed, packed_size);
		ck_assert(rc == 0 || rc == ERR_PROTOCOL);
		packed[i] = (char)0xff;
		rc = unpack_bytes(packed, packed_size);
		ck_assert(rc == 0 || rc == ERR_PROTOCOL);
		packed[i] = right;
	}
}
END_TEST

START_TEST(refuses_what_is_no_file)
{
	struct generation_message out;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_ne(generation_unpack(fds[0], &out), 0);
	generation_release(&out);
	ck_assert_int_ne(generation_unpack(-1, &out), 0);
	generation_release(&out);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

static Suite *suite(void)
{
	Suite *all = suite_create("generation");
	TCase *one = tcase_create("generation");

	tcase_add_checked_fixture(one, set_up, tear_down);
	tcase_set_timeout(one, 60);
	tcase_add_test(one, what_goes_in_comes_out);
	tcase_add_test(one, plugins_come_out_as_they_were_judged);
	tcase_add_test(one, nobody_can_change_it_on_its_way);
	tcase_add_test(one, refuses_every_part_of_one);
	tcase_add_test(one, refuses_more_than_one);
	tcase_add_test(one, any_wrong_byte_is_survived);
	tcase_add_test(one, refuses_what_is_no_file);
	suite_add_tcase(all, one);
	return all;
}

int main(void)
{
	return unit_run(suite());
}
