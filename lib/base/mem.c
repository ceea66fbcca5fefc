/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <unistd.h>

#include <openssl/crypto.h>

#include "base/mem.h"

static AN_NORETURN void out_of_memory(void)
{
    static const char line[] = "annals: out of memory\n";
    ssize_t n = write(STDERR_FILENO, line, sizeof line - 1);
    (void)n;
    _exit(70);
}

void *an_xmalloc(size_t size)
{
    void *p = malloc(size == 0 ? 1 : size);
    if (p == NULL)
        out_of_memory();
    return p;
}

void *an_xcalloc(size_t count, size_t size)
{
    void *p = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
    if (p == NULL)
        out_of_memory();
    return p;
}

void *an_xrealloc(void *old, size_t size)
{
    void *p = realloc(old, size == 0 ? 1 : size);
    if (p == NULL)
        out_of_memory();
    return p;
}

char *an_xstrndup(const char *s, size_t len)
{
    char *p = an_xmalloc(len + 1);
    memcpy(p, s, len);
    p[len] = '\0';
    return p;
}

char *an_xstrdup(const char *s)
{
    return an_xstrndup(s, strlen(s));
}

bool an_add_size(size_t a, size_t b, size_t *out)
{
    size_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return false;
    *out = sum;
    return true;
}

void an_secret_set(struct an_secret *s, const char *data, size_t len)
{
    char *copy = an_xstrndup(data, len);
    an_secret_release(s);
    s->data = copy;
    s->len = len;
}

void an_wipe(void *p, size_t len)
{
    OPENSSL_cleanse(p, len);
}

void an_secret_release(struct an_secret *s)
{
    if (s->data != NULL)
        OPENSSL_cleanse(s->data, s->len);
    free(s->data);
    s->data = NULL;
    s->len = 0;
}

bool an_ct_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}
