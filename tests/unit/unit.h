/* SPDX-License-Identifier: MIT */
/* What every Check program shares: its main is "return unit_run(suite)". */
#ifndef TINCAN_TESTS_UNIT_H
#define TINCAN_TESTS_UNIT_H

#include <check.h>
#include <stdlib.h>

/* Check's own is 4 s, which on a busy machine says nothing. It is read when a case is
 * made. */
__attribute__((constructor)) static void unit_be_patient(void)
{
	setenv("CK_DEFAULT_TIMEOUT", "60", 0);
}

/*
 * Runs the suite as the CK_ variables of the environment say (CK_VERBOSITY, CK_FORK,
 * CK_RUN_CASE, ...). Returns 0 if all passed, else 1: the exit code of main.
 */
static inline int unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}

#endif
