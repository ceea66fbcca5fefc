#!/bin/sh
# Turns text files into one C table, so that a program carries its SQL, pages and styles with it.
# usage: tools/embed.sh NAME HEADER FILE...  >  out.c
# Declares, in HEADER, by the caller: struct an_embedded of base/embedded.h
# and defines:  const struct an_embedded NAME[];  const size_t NAME_count;
# `name` is the file's name without its folders. The text must hold no NUL.
set -eu
name=$1 header=$2
shift 2
printf '/* Made by tools/embed.sh; do not edit. */\n#include "an.h"\n\n#include "%s"\n\n' "$header"
printf 'const struct an_embedded %s[] = {\n' "$name"
for file in "$@"; do
    LC_ALL=C awk -v name="${file##*/}" '
        BEGIN { printf "    {\"%s\",\n", name }
        {
            gsub(/\\/, "&&")
            gsub(/"/, "\\\"")
            gsub(/\?/, "\\?")
            gsub(/\t/, "\\t")
            gsub(/\r/, "\\r")
            printf "     \"%s\\n\"\n", $0
        }
        END { if (NR == 0) print "     \"\""; print "     }," }' "$file"
done
printf '};\nconst size_t %s_count = %d;\n' "$name" "$#"
