/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/suggest.h"

#define WORD_MAX 64

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

static unsigned distance(struct an_str a, struct an_str b)
{
    unsigned row[3][WORD_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *now = row[i % 3], *prev = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned differ = a.data[i - 1] != b.data[j - 1];
            now[j] = min3(prev[j] + 1, now[j - 1] + 1, prev[j - 1] + differ);
            if (i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1] &&
                before[j - 2] + 1 < now[j])
                now[j] = before[j - 2] + 1;
        }
    }
    return row[a.len % 3][b.len];
}

const char *an_suggest(struct an_str word, const char *const *known, size_t count)
{
    const char *best = NULL;
    unsigned best_distance = 3;
    if (word.len == 0 || word.len > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        struct an_str k = an_str(known[i]);
        if (k.len > WORD_MAX)
            continue;
        unsigned d = distance(word, k);
        if (d < best_distance && 2 * d < word.len) {
            best_distance = d;
            best = known[i];
        }
    }
    return best;
}
