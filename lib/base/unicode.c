/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/unicode.h"

size_t an_utf8_decode(struct an_str s, uint32_t *cp)
{
    static const unsigned char payload[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    unsigned char lead = (unsigned char)s.data[0];
    size_t len = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    if (len > s.len || !an_utf8_valid(s.data, len))
        return 0;
    *cp = lead & payload[len];
    for (size_t i = 1; i < len; i++)
        *cp = *cp << 6 | ((unsigned char)s.data[i] & 0x3F);
    return len;
}

struct range {
    uint32_t first, last;
    const char *label;
};

/* In order. Variation selectors and joiners have honest uses in emoji and some scripts; in a log that is
 * read to tell one name from another, showing them is worth the ink. */
static const struct range hidden[] = {
    {0x0000, 0x0008, "control character"},
    {0x000B, 0x001F, "control character"},
    {0x007F, 0x009F, "control character"},
    {0x00AD, 0x00AD, "soft hyphen"},
    {0x034F, 0x034F, "combining grapheme joiner"},
    {0x061C, 0x061C, "arabic letter mark"},
    {0x115F, 0x1160, "hangul filler"},
    {0x17B4, 0x17B5, "invisible vowel"},
    {0x180B, 0x180F, "variation selector"},
    {0x200B, 0x200B, "zero width space"},
    {0x200C, 0x200C, "zero width non-joiner"},
    {0x200D, 0x200D, "zero width joiner"},
    {0x200E, 0x200E, "left-to-right mark"},
    {0x200F, 0x200F, "right-to-left mark"},
    {0x2028, 0x2028, "line separator"},
    {0x2029, 0x2029, "paragraph separator"},
    {0x202A, 0x202A, "left-to-right embedding"},
    {0x202B, 0x202B, "right-to-left embedding"},
    {0x202C, 0x202C, "pop directional formatting"},
    {0x202D, 0x202D, "left-to-right override"},
    {0x202E, 0x202E, "right-to-left override"},
    {0x2060, 0x2060, "word joiner"},
    {0x2061, 0x2065, "invisible operator"},
    {0x2066, 0x2066, "left-to-right isolate"},
    {0x2067, 0x2067, "right-to-left isolate"},
    {0x2068, 0x2068, "first strong isolate"},
    {0x2069, 0x2069, "pop directional isolate"},
    {0x206A, 0x206F, "deprecated format character"},
    {0x2800, 0x2800, "braille blank"},
    {0x3164, 0x3164, "hangul filler"},
    {0xFE00, 0xFE0F, "variation selector"},
    {0xFEFF, 0xFEFF, "zero width no-break space"},
    {0xFFA0, 0xFFA0, "hangul filler"},
    {0xFFF0, 0xFFFB, "format character"},
    {0x1BCA0, 0x1BCA3, "format character"},
    {0x1D173, 0x1D17A, "format character"},
    {0xE0000, 0xE0FFF, "tag or variation selector"},
};

bool an_codepoint_hidden(uint32_t cp, const char **label)
{
    size_t low = 0;
    size_t high = AN_COUNT(hidden);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (cp < hidden[mid].first) {
            high = mid;
        } else if (cp > hidden[mid].last) {
            low = mid + 1;
        } else {
            if (label != NULL)
                *label = hidden[mid].label;
            return true;
        }
    }
    return false;
}
