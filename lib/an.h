/* SPDX-License-Identifier: Apache-2.0 */
/* Included first by every .c file: configuration, attributes, and the functions we do not use. */
#ifndef AN_H
#define AN_H

#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AN_PRINTF(fmt, first) __attribute__((format(printf, fmt, first)))
#define AN_MUST_CHECK __attribute__((warn_unused_result))
#define AN_NORETURN __attribute__((noreturn))
#define AN_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What we never want is a compile error whose text says what to use. The system headers that
 * declare these come first, so that only calls are refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#define AN_BANNED(f, use) banned_##f##_use_##use
#undef strcpy
#define strcpy(...) AN_BANNED(strcpy, an_buf_add)
#undef strcat
#define strcat(...) AN_BANNED(strcat, an_buf_add)
#undef strncpy
#define strncpy(...) AN_BANNED(strncpy, an_buf_add)
#undef sprintf
#define sprintf(...) AN_BANNED(sprintf, an_buf_addf)
#undef vsprintf
#define vsprintf(...) AN_BANNED(vsprintf, an_buf_addv)
#undef atoi
#define atoi(...) AN_BANNED(atoi, an_parse_i64)
#undef atol
#define atol(...) AN_BANNED(atol, an_parse_i64)
#undef strtok
#define strtok(...) AN_BANNED(strtok, an_str_split)
#undef localtime
#define localtime(...) AN_BANNED(localtime, an_time_format)
#undef gmtime
#define gmtime(...) AN_BANNED(gmtime, an_time_format)

#endif
