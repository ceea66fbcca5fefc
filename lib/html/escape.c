/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/unicode.h"
#include "html/escape.h"

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

bool an_html_add_visible(struct an_buf *out, struct an_str text)
{
    size_t plain = 0;
    size_t len = 0;
    for (size_t i = 0; i < text.len; i += len) {
        const char *label = NULL;
        uint32_t cp = 0;
        len = an_utf8_decode((struct an_str){text.data + i, text.len - i}, &cp);
        const char *instead = len == 0 ? "\xEF\xBF\xBD" : len == 1 ? entity(text.data[i]) : NULL;
        if (len == 0)
            len = 1;
        else if (an_codepoint_hidden(cp, &label))
            instead = "";
        if (instead == NULL)
            continue;
        an_buf_add(out, text.data + plain, i - plain);
        plain = i + len;
        if (label != NULL)
            an_buf_addf(out, "<mark class=\"cp\" title=\"%s\">U+%04X</mark>", label, (unsigned)cp);
        else
            an_buf_adds(out, instead);
    }
    return an_buf_add(out, text.data + plain, text.len - plain) && !out->overflow;
}
