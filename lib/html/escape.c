/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "html/escape.h"

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
            *label = hidden[mid].label;
            return true;
        }
    }
    return false;
}

static const char *entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

bool an_html_add(struct an_buf *out, struct an_str text)
{
    size_t plain = 0; /* start of the bytes not yet copied */
    for (size_t i = 0; i < text.len; i++) {
        const char *name = entity(text.data[i]);
        if (name == NULL)
            continue;
        an_buf_add(out, text.data + plain, i - plain);
        an_buf_adds(out, name);
        plain = i + 1;
    }
    return an_buf_add(out, text.data + plain, text.len - plain) && !out->overflow;
}

/* The code point at the start of text, and how many bytes it takes; U+FFFD and 1 for what is not UTF-8. */
static uint32_t decode(struct an_str text, size_t *len)
{
    static const uint32_t payload[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    unsigned char lead = (unsigned char)text.data[0];
    size_t want = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    *len = 1;
    if (want > text.len || !an_utf8_valid(text.data, want))
        return 0xFFFD;
    uint32_t cp = lead & payload[want];
    for (size_t i = 1; i < want; i++)
        cp = cp << 6 | ((unsigned char)text.data[i] & 0x3F);
    *len = want;
    return cp;
}

bool an_html_add_visible(struct an_buf *out, struct an_str text)
{
    size_t plain = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i += len) {
        const char *label = NULL;
        uint32_t cp = decode((struct an_str){text.data + i, text.len - i}, &len);
        bool broken = cp == 0xFFFD && len == 1;
        const char *name = len == 1 ? entity(text.data[i]) : NULL;
        bool mark = name == NULL && an_codepoint_hidden(cp, &label);
        if (name == NULL && !mark && !broken)
            continue;
        an_buf_add(out, text.data + plain, i - plain);
        plain = i + len;
        if (mark)
            an_buf_addf(out, "<mark class=\"cp\" title=\"%s\">U+%04X</mark>", label, (unsigned)cp);
        else
            an_buf_adds(out, broken ? "\xEF\xBF\xBD" : name);
    }
    return an_buf_add(out, text.data + plain, text.len - plain) && !out->overflow;
}
