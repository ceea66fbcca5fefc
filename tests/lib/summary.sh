# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Counting tests: each suite adds one line "NAME PASSED FAILED SKIPPED" to the file $results, and the last
# line of a run is their sum. Sourced by tests/run and .ci/run, which share one file: what was there already
# is of another run.
: "${results:?}"
touch "$results"
earlier=$(wc -l <"$results")

record() { # NAME PASSED FAILED SKIPPED SECONDS
    printf '%s\t%d\t%d\t%d\n' "$1" "$2" "$3" "$4" >>"$results"
    printf '%s: %d passed, %d failed, %d skipped (%s s)\n' "$@"
}

# The sum of this run on a line of its own. Fails where one of its tests failed, or where nothing ran at all.
print_summary() {
    awk -F '\t' -v earlier="$earlier" '
        NR > earlier { passed += $2; failed += $3; skipped += $4 }
        END {
            printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
            exit failed > 0 || passed == 0
        }' "$results"
}

# count_run NAME COMMAND...: a run that shares our results. One that failed and has counted no failure,
# because it could not even build, is one.
count_run() {
    local name=$1 before
    before=$(wc -l <"$results")
    shift
    "$@" ||
        awk -F '\t' -v before="$before" 'NR > before && $3 > 0 { n = 1 } END { exit !n }' "$results" ||
        record "$name" 0 1 0 0
}

# count_automake BUILD: prints "PASSED FAILED SKIPPED" of the last "make check" there. A program that speaks
# TAP counts by its tests, another as one test. Failures and skips are named on stderr.
count_automake() {
    find "$1" -name '*.trs' -not -path '*/annals-[0-9]*' | sort | awk -v cut="$1/" '
        {
            trs = $0
            log_file = trs
            sub(/\.trs$/, ".log", log_file)
            name = substr(log_file, length(cut) + 1)
            sub(/\.log$/, "", name)
            result = ""
            while ((getline line < trs) > 0)
                if (line ~ /^:test-result:/) {
                    result = line
                    sub(/^:test-result: */, "", result)
                }
            close(trs)
            tests = bad = 0
            while ((getline line < log_file) > 0) {
                if (line ~ /^(not )?ok [0-9]+.* # SKIP/) # cmocka 1.1 writes "not ok" before a skip
                    say("skipped", line, 0)
                else if (line ~ /^ok [0-9]+/) { tests++; passed++ }
                else if (line ~ /^not ok [0-9]+/) { bad++; say("FAILED", line, 1) }
            }
            close(log_file)
            if (result == "SKIP" || result == "XFAIL") say("skipped", "", 0)
            else if (result != "PASS" && bad == 0) say("FAILED", result, 1)
            else if (result == "PASS" && tests == 0) passed++
        }
        function say(word, what, is_failure) {
            if (is_failure) failed++
            else skipped++
            print "  " word ": " name (what == "" ? "" : ": " what) > "/dev/stderr"
        }
        END { print passed + 0, failed + 0, skipped + 0 }'
}

# count_pytest XML: prints "PASSED FAILED SKIPPED" of a JUnit file.
count_pytest() {
    awk '
        function value(name,    text) {
            if (!match($0, name "=\"[0-9]+\"")) return 0
            text = substr($0, RSTART, RLENGTH)
            gsub(/[^0-9]/, "", text)
            return text + 0
        }
        match($0, /<testsuite [^>]*>/) {
            $0 = substr($0, RSTART, RLENGTH)
            bad = value(" errors") + value(" failures")
            passed = value(" tests") - bad - value(" skipped")
            print (passed > 0 ? passed : 0), bad, value(" skipped")
            exit
        }' "$1"
}
