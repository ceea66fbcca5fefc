/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files. */
#ifndef AN_BASE_FILE_H
#define AN_BASE_FILE_H

#include <sys/types.h>

#include "an.h"
#include "base/buf.h"
#include "base/err.h"

/* Appends the file to *out. AN_ENOENT where there is none, AN_ETOOBIG past out's limit, AN_EINVAL else. */
int an_file_read(const char *path, struct an_buf *out, struct an_err *err) AN_MUST_CHECK;

/* Replaces the file in one step: a temporary name beside it, fsync, rename, fsync of the folder. */
int an_file_write(const char *path, mode_t mode, const void *data, size_t len,
                  struct an_err *err) AN_MUST_CHECK;

#endif
