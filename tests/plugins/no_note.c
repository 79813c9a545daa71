/* SPDX-License-Identifier: MIT */
/* Bad: a shared object, but no handler. */
int add(int a, int b);

int add(int a, int b)
{
	return a + b;
}
