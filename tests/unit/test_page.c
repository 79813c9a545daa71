/* SPDX-License-Identifier: MIT */
/* The page of a host: what a peer sees in it, and what neither side can do to it. */
#include "ipc/page.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

static struct page *page;		/* as the host has it */
static const struct page *reader;	/* as its peer has it */
static int host_fd;
static int reader_fd;

static void setup(void)
{
	ck_assert_int_eq(page_create(&host_fd, &reader_fd), 0);
	ck_assert_int_eq(page_map_host(host_fd, &page), 0);
	ck_assert_int_eq(page_map_reader(reader_fd, &reader), 0);
}

static void teardown(void)
{
	page_unmap(page);
	page_unmap(reader);
	close(host_fd);
	close(reader_fd);
}

START_TEST(starts_with_nothing)
{
	ck_assert_uint_eq(atomic_load(&reader->running), 0);
	ck_assert_uint_eq(atomic_load(&reader->out_size), 0);
	ck_assert_str_eq(page_callback_name(reader), "nothing");
	ck_assert_uint_eq(page_unsent(reader, 0).size, 0);
}
END_TEST

START_TEST(a_host_cannot_cut_it_off)
{
	ck_assert_int_eq(ftruncate(host_fd, 0), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(host_fd, sizeof(struct page) + 1), -1);
	ck_assert_int_eq(fcntl(host_fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
}
END_TEST

START_TEST(a_reader_cannot_write_it)
{
	ck_assert_ptr_eq(mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE,
	    MAP_SHARED, reader_fd, 0), MAP_FAILED);
	ck_assert_int_eq(write(reader_fd, "x", 1), -1);
}
END_TEST

START_TEST(outlives_the_host)
{
	pid_t pid = fork();

	if (pid == 0) {
		atomic_store(&page->running, 42);
		raise(SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	ck_assert_uint_eq(atomic_load(&reader->running), 42);
}
END_TEST

static void put_batch(uint64_t base, uint32_t size)
{
	memset(page->out, 'x', sizeof(page->out));
	memcpy(page->out, "0123456789", 10);
	atomic_store(&page->out_base, base);
	atomic_store(&page->out_size, size);
}

START_TEST(what_is_unsent_goes_by_what_was_received)
{
	put_batch(1000, 10);
	ck_assert(slice_equal(page_unsent(reader, 1000), SLICE("0123456789")));
	ck_assert(slice_equal(page_unsent(reader, 1004), SLICE("456789")));
	ck_assert_uint_eq(page_unsent(reader, 1010).size, 0);
	put_batch(1010, 0);
	ck_assert_uint_eq(page_unsent(reader, 1010).size, 0);
}
END_TEST

START_TEST(what_makes_no_sense_is_nothing)
{
	put_batch(1000, PAGE_OUT_BYTES + 1);
	ck_assert_uint_eq(page_unsent(reader, 1000).size, 0);
	put_batch(1000, UINT32_MAX);
	ck_assert_uint_eq(page_unsent(reader, 1000).size, 0);
	put_batch(1000, 10);
	ck_assert_uint_eq(page_unsent(reader, 999).size, 0);
	ck_assert_uint_eq(page_unsent(reader, 1011).size, 0);
	ck_assert_uint_eq(page_unsent(reader, UINT64_MAX).size, 0);
	put_batch(UINT64_MAX, 10);
	ck_assert_uint_eq(page_unsent(reader, 5).size, 0);
	atomic_store(&page->callback, 77);
	ck_assert_str_eq(page_callback_name(reader), "a callback");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("page");
	TCase *tcase = tcase_create("page");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, starts_with_nothing);
	tcase_add_test(tcase, a_host_cannot_cut_it_off);
	tcase_add_test(tcase, a_reader_cannot_write_it);
	tcase_add_test(tcase, outlives_the_host);
	tcase_add_test(tcase, what_is_unsent_goes_by_what_was_received);
	tcase_add_test(tcase, what_makes_no_sense_is_nothing);
	suite_add_tcase(suite, tcase);
	return unit_run(suite);
}
