#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Lets spin search every state of the combiner's protocol (docs/design/combiner.md), and sees to it that the
# search can find faults: with a step left out, or two in another order, somebody sleeps or is taken for
# ever.
set -eu
model=${srcdir:-.}/tests/model/combiner.pml
command -v spin >/dev/null || { echo "spin is not installed"; exit 77; }
model=$(cd "$(dirname "$model")" && pwd)/combiner.pml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

search() { # FILE OPTIONS...
    file=$1
    shift
    spin "$@" -run -safety -m100000 "$file" >log 2>&1 || true
}

# Three workers, two lanes and a death are 78 million states: by hand (-DHC4, 4 GB).
for options in '-DLANES=1' '-DN=2 -DDEATHS=2' '-DDEATHS=0' '-DLANES=1 -DSHARDS=2'; do
    # shellcheck disable=SC2086
    search "$model" $options
    grep -q 'errors: 0' log || { echo "$options:"; cat log; exit 1; }
    ! grep -q 'max search depth too small' log || { cat log; exit 1; }
done

# NAME SCRIPT OPTIONS...: the model, changed by an awk script, must fail.
must_fail() {
    name=$1
    awk "$2" "$model" >"broken.pml"
    shift 2
    ! cmp -s "$model" broken.pml || { echo "$name: the model was not changed"; exit 1; }
    search broken.pml "$@"
    grep -Eq 'invalid end state \(at|assertion violated' log || { echo "$name: not found"; cat log; exit 1; }
}

must_fail 'a leader that looks for waiters before it leaves its lane' '
    /^leave:/ { print; getline; held = $0; next }
    /^left:/ { print; print held; next }
    { print }' -DLANES=1
must_fail 'followers that do not look whether their leader died' '
    /RECHECK/ { sub(/TRY\(seen - TAKEN\)/, "skip") }
    { print }' -DLANES=1
must_fail 'a dead leader whose slots are forgotten' '
    /state\[i\] == TAKEN \+ lane/ { sub(/READY\(shard\)/, "TAKEN + lane") }
    { print }' -DN=2
must_fail 'a leader that takes what is for another shard' '
    /i != me/ { sub(/\(state.*\) ->/, "(state[i] >= READY(0) \\&\\& state[i] < TAKEN) ->") }
    { print }' -DLANES=1 -DSHARDS=2
