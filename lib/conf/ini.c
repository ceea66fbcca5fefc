/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "conf/ini.h"

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

static bool has_control(struct an_str line)
{
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.data[i];
        if ((c < 0x20 && c != '\t') || c == 0x7F)
            return true;
    }
    return false;
}

static void parse_section(struct an_str line, unsigned number, const struct an_ini_handler *h)
{
    if (line.len < 2 || line.data[line.len - 1] != ']') {
        h->fault(h->data, number, "a section's name stands between [ and ]");
        return;
    }
    struct an_str name = an_str_trim((struct an_str){line.data + 1, line.len - 2});
    if (name.len == 0)
        h->fault(h->data, number, "a section without a name");
    else
        h->section(h->data, number, name);
}

static void parse_line(struct an_str raw, unsigned number, const struct an_ini_handler *h)
{
    if (raw.len > 0 && raw.data[raw.len - 1] == '\r')
        raw.len--;
    struct an_str line = an_str_trim(raw);
    if (line.len == 0 || line.data[0] == '#')
        return;
    if (has_control(line) || !an_utf8_valid(line.data, line.len)) {
        h->fault(h->data, number, "control characters or bytes that are not UTF-8");
        return;
    }
    if (line.data[0] == ';') {
        h->fault(h->data, number, "comments start with #");
        return;
    }
    if (line.data[0] == '[') {
        parse_section(line, number, h);
        return;
    }
    struct an_str value;
    struct an_str name = an_str_trim(an_str_split(line, '=', &value));
    if (value.data == NULL)
        h->fault(h->data, number, "neither [section] nor key = value");
    else if (name.len == 0)
        h->fault(h->data, number, "a value without a key");
    else
        h->key(h->data, number, name, an_str_trim(value));
}

void an_ini_parse(struct an_str text, const struct an_ini_handler *handler)
{
    unsigned number = 1;
    if (an_str_starts(text, BYTE_ORDER_MARK)) {
        handler->fault(handler->data, number, "a byte order mark stands in front");
        text.data += strlen(BYTE_ORDER_MARK);
        text.len -= strlen(BYTE_ORDER_MARK);
    }
    struct an_str rest = text;
    while (rest.data != NULL && rest.len > 0) {
        struct an_str line = an_str_split(rest, '\n', &rest);
        parse_line(line, number++, handler);
    }
}
