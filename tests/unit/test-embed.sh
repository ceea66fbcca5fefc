#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# tools/embed.sh must carry every byte of a text over: what the C compiler reads back is the file.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
printf 'back\\slash \\n "quoted" ?\077= tab\there\r\n\n  last & line\n' >"$tmp/a.txt"
: >"$tmp/empty.txt"
"${srcdir:-.}/tools/embed.sh" an_list base/embedded.h "$tmp/a.txt" "$tmp/empty.txt" >"$tmp/list.c"
mkdir "$tmp/base"
: >"$tmp/an.h"
printf '#include <stddef.h>\nstruct an_embedded { const char *name, *data; };\n' >"$tmp/base/embedded.h"
cat >"$tmp/main.c" <<'C'
#include <stdio.h>
#include "base/embedded.h"
extern const struct an_embedded an_list[];
extern const size_t an_list_count;
int main(void)
{
    for (size_t i = 0; i < an_list_count; i++)
        fputs(an_list[i].data, stdout);
    return 0;
}
C
# shellcheck disable=SC2086  # CC may be several words
${CC:-cc} -I"$tmp" -o "$tmp/main" "$tmp/main.c" "$tmp/list.c"
"$tmp/main" | cmp - "$tmp/a.txt"
