# Turns the statements of sql/queries into an enum and a table, so that C names them and cannot spell them
# wrong.
# usage: awk -v out=h|c -f tools/gen-stmt.awk sql/queries/*.sql
# Each file holds one statement below comment lines, among them name (that of the file), on, params and
# rows; the comments stay out of what is sent. Exits 1 after naming every file that is not so.
function fault(file, message) {
    printf "%s: %s\n", file, message > "/dev/stderr"
    bad = 1
}
function quoted(text) {
    gsub(/\\/, "&&", text)
    gsub(/"/, "\\\"", text)
    return text
}
function finish(   i, header) {
    if (file == "")
        return
    if (seen["name"] != base)
        fault(file, "its name line does not say '" base "'")
    for (i = split("on params rows", header, " "); i > 0; i--)
        if (!(header[i] in seen))
            fault(file, "no line '-- " header[i] ": ...'")
    if (sql == "")
        fault(file, "no statement")
    if (sql ~ /;[ \n]*$/)
        fault(file, "a semicolon at the end: it is sent alone")
    names[++count] = base
    texts[count] = sql
}
FNR == 1 {
    finish()
    file = FILENAME
    base = FILENAME
    sub(/.*\//, "", base)
    sub(/\.sql$/, "", base)
    split("", seen)
    sql = ""
}
/^-- [a-z]+: / {
    key = $2
    sub(/:$/, "", key)
    if (!(key in seen)) {
        seen[key] = $0
        sub(/^-- [a-z]+: /, "", seen[key])
    }
}
/^--/ { next }
{ sql = sql (sql == "" ? "" : "\n") $0 }
END {
    finish()
    if (bad)
        exit 1
    print "/* Made by tools/gen-stmt.awk from sql/queries; do not edit. */"
    if (out == "h") {
        print "#ifndef AN_DB_STMT_LIST_H\n#define AN_DB_STMT_LIST_H\n\nenum an_stmt {"
        for (i = 1; i <= count; i++)
            print "    AN_STMT_" toupper(names[i]) ","
        print "    AN_STMT__COUNT\n};\n\n#endif"
        exit
    }
    print "#include \"an.h\"\n\n#include \"db/stmt.h\"\n"
    print "const struct an_stmt_text an_stmt_texts[AN_STMT__COUNT] = {"
    for (i = 1; i <= count; i++) {
        print "    [AN_STMT_" toupper(names[i]) "] = {\"" names[i] "\","
        lines = split(texts[i], line, "\n")
        for (j = 1; j <= lines; j++)
            print "        \"" quoted(line[j]) (j < lines ? "\\n" : "") "\"" (j < lines ? "" : "},")
    }
    print "};"
}
