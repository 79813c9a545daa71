# SPDX-License-Identifier: MIT
# What configure.ac asks of the compiler: warnings, sanitizers, hardening.

# TINCAN_ADD_FLAGS(VARIABLE, FLAGS...)
# Appends to VARIABLE each of FLAGS that compiles and links without a word.
AC_DEFUN([TINCAN_ADD_FLAGS], [
	for tincan_flag in $2; do
		tincan_saved_CFLAGS=$CFLAGS
		CFLAGS="$CFLAGS -Werror $tincan_flag"
		AC_MSG_CHECKING([whether $CC takes $tincan_flag])
		AC_LINK_IFELSE([AC_LANG_PROGRAM()],
			[$1="$$1 $tincan_flag"; AC_MSG_RESULT([yes])],
			[AC_MSG_RESULT([no])])
		CFLAGS=$tincan_saved_CFLAGS
	done
])

AC_DEFUN([TINCAN_WARNINGS], [
	WARNING_CFLAGS="-Wall -Wextra -Wshadow -Wmissing-prototypes"
	AC_ARG_ENABLE([werror],
		[AS_HELP_STRING([--enable-werror], [make compiler warnings errors])])
	AS_IF([test "$enable_werror" = yes], [WARNING_CFLAGS="$WARNING_CFLAGS -Werror"])
	AC_SUBST([WARNING_CFLAGS])
])

# TINCAN_SANITIZER(NAME, FLAG)
# --enable-NAME adds FLAG, or ends configure if the compiler cannot do it.
AC_DEFUN([TINCAN_SANITIZER], [
	AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [build with $2])])
	AS_IF([test "$enable_$1" = yes], [
		tincan_before=$SANITIZER_CFLAGS
		TINCAN_ADD_FLAGS([SANITIZER_CFLAGS], [$2])
		AS_IF([test "$SANITIZER_CFLAGS" = "$tincan_before"],
			[AC_MSG_ERROR([--enable-$1: $CC cannot build with $2])])
	])
])

AC_DEFUN([TINCAN_SANITIZERS], [
	SANITIZER_CFLAGS=
	TINCAN_SANITIZER([asan], [-fsanitize=address])
	TINCAN_SANITIZER([ubsan], [-fsanitize=undefined])
	TINCAN_SANITIZER([tsan], [-fsanitize=thread])
	AS_IF([test -n "$SANITIZER_CFLAGS"], [
		AS_IF([test "$enable_asan$enable_tsan" = yesyes],
			[AC_MSG_ERROR([--enable-asan excludes --enable-tsan])])
		SANITIZER_CFLAGS="$SANITIZER_CFLAGS -fno-sanitize-recover=all"
		SANITIZER_CFLAGS="$SANITIZER_CFLAGS -fno-omit-frame-pointer"
	])
	AC_SUBST([SANITIZER_CFLAGS])
])

# HARDENING_CFLAGS and _LDFLAGS are for programs and handlers alike, PIE_ for programs.
AC_DEFUN([TINCAN_HARDENING], [
	HARDENING_CFLAGS=
	HARDENING_LDFLAGS=
	PIE_CFLAGS=
	PIE_LDFLAGS=
	TINCAN_ADD_FLAGS([HARDENING_CFLAGS], [-fstack-protector-strong \
		-fstack-clash-protection -fcf-protection])
	TINCAN_ADD_FLAGS([HARDENING_LDFLAGS], [-Wl,-z,relro -Wl,-z,now \
		-Wl,-z,noexecstack])
	TINCAN_ADD_FLAGS([PIE_CFLAGS], [-fPIE])
	TINCAN_ADD_FLAGS([PIE_LDFLAGS], [-pie])
	TINCAN_FORTIFY
	AC_SUBST([HARDENING_CFLAGS])
	AC_SUBST([HARDENING_LDFLAGS])
	AC_SUBST([PIE_CFLAGS])
	AC_SUBST([PIE_LDFLAGS])
])

# _FORTIFY_SOURCE warns without optimisation and hides bugs from the sanitizers.
AC_DEFUN([TINCAN_FORTIFY], [
	AC_MSG_CHECKING([for _FORTIFY_SOURCE])
	AC_COMPILE_IFELSE([AC_LANG_SOURCE([
#ifndef __OPTIMIZE__
#error "not optimising"
#endif
		])], [tincan_fortify=3], [tincan_fortify=no])
	AS_IF([test -n "$SANITIZER_CFLAGS"], [tincan_fortify=no])
	AC_MSG_RESULT([$tincan_fortify])
	AS_IF([test "$tincan_fortify" != no], [HARDENING_CFLAGS="$HARDENING_CFLAGS dnl
-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$tincan_fortify"])
])
