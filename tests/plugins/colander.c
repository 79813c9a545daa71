/* SPDX-License-Identifier: MIT */
/* A second sieve, under a name of its own. */
#define SIEVE_NAME "colander"
#include "sieve.c"
