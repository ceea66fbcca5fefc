#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A failure is counted once, in the run that it belongs to; a run that could not build is one.
set -euo pipefail
lib=${srcdir:-.}/tests/lib/summary.sh
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export results=$folder/results lib

# A run in a shell of its own, as tests/run is: records what it is told, and sums up.
cat >"$folder/run" <<'END'
set -euo pipefail
. "$lib"
for failed in "$@"; do
    record suite 1 "$failed" 0 0
done
print_summary
END

expect() { # WHAT FAILURES STATUS COMMAND...
    local what=$1 failures=$2 status=$3 rc=0 counted
    shift 3
    (
        set -euo pipefail
        # shellcheck source=tests/lib/summary.sh
        . "$lib"
        "$@"
        print_summary
    ) >"$folder/said" || rc=$?
    counted=$(awk -F '\t' '{ sum += $3 } END { print sum + 0 }' "$results")
    [ "$counted $rc" = "$failures $status" ] || {
        cat "$folder/said"
        echo "$what: $counted failures and status $rc, not $failures and $status"
        exit 1
    }
}

two_runs() {
    count_run first bash "$folder/run" 1
    count_run second bash "$folder/run" 0 0
}

expect 'what succeeds' 0 0 count_run good bash "$folder/run" 0
expect 'one failure' 1 1 count_run bad bash "$folder/run" 1
expect 'a later run' 1 0 count_run good bash "$folder/run" 0 0
expect 'a failure before one that succeeds' 2 1 two_runs
expect 'no build' 3 1 count_run broken false
expect 'an end halfway' 4 1 count_run killed bash -c '. "$lib"; record suite 1 0 0 0; exit 1'
