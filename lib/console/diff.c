/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "console/diff.h"

/* Texts are left whole unless a third of the shorter one is alike. */
#define ALIKE_PART 3

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

static size_t common_head(struct an_str a, struct an_str b, size_t most)
{
    size_t n = 0;
    while (n < most && a.data[n] == b.data[n])
        n++;
    /* Never in the middle of a character: back to where the first different one begins in both. */
    while (n > 0 && ((n < a.len && continues(a.data[n])) || (n < b.len && continues(b.data[n]))))
        n--;
    return n;
}

static size_t common_tail(struct an_str a, struct an_str b, size_t most)
{
    size_t n = 0;
    while (n < most && a.data[a.len - n - 1] == b.data[b.len - n - 1])
        n++;
    while (n > 0 && continues(a.data[a.len - n]))
        n--;
    return n;
}

static struct an_diff cut(struct an_str s, size_t head, size_t tail)
{
    return (struct an_diff){.head = {s.data, head},
                            .part = {s.data + head, s.len - head - tail},
                            .tail = {s.data + s.len - tail, tail}};
}

void an_diff_split(struct an_str before, struct an_str after, struct an_diff *old_text,
                   struct an_diff *new_text)
{
    size_t shorter = before.len < after.len ? before.len : after.len;
    size_t head = common_head(before, after, shorter);
    size_t tail = common_tail(before, after, shorter - head);
    if ((head + tail) * ALIKE_PART < shorter) {
        *old_text = (struct an_diff){.head = before};
        *new_text = (struct an_diff){.head = after};
        return;
    }
    *old_text = cut(before, head, tail);
    *new_text = cut(after, head, tail);
}
