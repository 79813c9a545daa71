/* SPDX-License-Identifier: MIT */
/* A sieve without holes: bodies do not go through it. */
#define SIEVE_NAME "rim"
#define SIEVE_NO_PIECES
#include "sieve.c"
