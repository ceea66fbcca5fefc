/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz entry over its corpus without a fuzzer, so that `make check` does: every file of the
 * folder that is named on the command line, else of tests/fuzz/corpus/NAME for the program fuzz-NAME;
 * each whole, and each of its first 512 beginnings. To search for more with libFuzzer, in a tree
 * configured with CC=clang --enable-sanitize CFLAGS="-g -O1 -fsanitize=fuzzer-no-link":  make fuzz-run
 * FUZZ=params SECONDS=60 */
#include "an.h"

#include <dirent.h>
#include <errno.h>

#include "base/buf.h"
#include "base/file.h"

#define BEGINNINGS 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy of its own for each run, so that a sanitizer sees one byte too many. */
static void run(const char *data, size_t len)
{
    uint8_t *copy = malloc(len == 0 ? 1 : len);
    if (copy == NULL)
        abort();
    if (len > 0)
        memcpy(copy, data, len);
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static bool run_file(const char *path)
{
    struct an_buf text;
    struct an_err err;
    an_buf_init(&text, (size_t)64 << 20);
    bool ok = an_file_read(path, &text, &err) == AN_OK;
    if (!ok)
        fprintf(stderr, "%s\n", err.text);
    for (size_t len = 0; ok && len < text.len && len < BEGINNINGS; len++)
        run(text.data, len);
    if (ok)
        run(text.data, text.len);
    an_buf_release(&text);
    return ok;
}

int main(int argc, char **argv)
{
    char folder[4096];
    const char *slash = strrchr(argv[0], '/'), *srcdir = getenv("srcdir");
    const char *name = slash == NULL ? argv[0] : slash + 1;
    if (argc > 1)
        (void)snprintf(folder, sizeof folder, "%s", argv[1]);
    else
        (void)snprintf(folder, sizeof folder, "%s/tests/fuzz/corpus/%s", srcdir == NULL ? "." : srcdir,
                       name + strcspn(name, "-") + (strchr(name, '-') != NULL));
    DIR *d = opendir(folder);
    if (d == NULL) {
        fprintf(stderr, "%s: %s\n", folder, strerror(errno));
        return 1;
    }
    size_t files = 0, failed = 0;
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        char path[8192];
        if (e->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        files++;
        failed += run_file(path) ? 0 : 1;
    }
    closedir(d);
    printf("%s: %zu files\n", name, files);
    return files > 0 && failed == 0 ? 0 : 1;
}
