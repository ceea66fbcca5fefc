# Dependencies point one way: a file includes headers of its own folder and of lower rows only.
# usage: awk -f tools/check-layers.awk lib/*/*.[ch] fcgi/*.c jobs/*.c
# Exits 1 after naming every include that points up or sideways, or into a folder's internal.h, and every
# vendor header included twice.
BEGIN {
    rows = split("base|log conf event|proc http html db|shard upkeep|move auth|search|ingest|api|console|" \
                 "fcgi jobs", row, "|")
    for (i = 1; i <= rows; i++) {
        count = split(row[i], folder, " ")
        for (j = 1; j <= count; j++)
            rank[folder[j]] = i
    }
    # Each vendor library has one file that includes it; these are the headers that show it.
    split("fcgiapp.h libpq-fe.h curl/curl.h zlib.h zstd.h", vendor, " ")
    for (i in vendor)
        watched[vendor[i]] = 1
}
FNR == 1 {
    parts = split(FILENAME, path, "/")
    for (i = 1; i <= parts; i++)
        if (path[i] == "lib" && i < parts - 0) me = path[i + 1]
        else if (path[i] == "fcgi" && i == parts - 1 && path[i - 1] != "lib") me = "fcgi"
        else if (path[i] == "jobs" && i == parts - 1) me = "jobs"
}
/^#include "[a-z0-9]+\// {
    to = $2
    gsub(/"/, "", to)
    private = to ~ /\/internal\.h$/
    sub(/\/.*/, "", to)
    if (private && to != me) {
        print FILENAME ":" FNR ": internal.h is for lib/" to " alone"
        bad = 1
    }
    if (!(to in rank) || (to != me && rank[to] >= rank[me])) {
        print FILENAME ":" FNR ": " me " must not include " to
        bad = 1
    }
}
/^#include </ {
    name = $2
    gsub(/[<>]/, "", name)
    if (name in watched) {
        if ((name in owner) && owner[name] != FILENAME) {
            print FILENAME ":" FNR ": <" name "> is already included by " owner[name] "; one file only"
            bad = 1
        }
        owner[name] = FILENAME
    }
}
END { exit bad }
