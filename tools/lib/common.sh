# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What quickstart, tests/run and .ci/run share: messages, steps with a log, building outside of the checkout.
# Sourced by bash under "set -euo pipefail"; the caller sets $top, the checkout.
: "${top:?}"

say() { printf '%s\n' "$*"; }
warn() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() {
    warn "$@"
    exit 1
}

seconds_since() { # EPOCHREALTIME
    awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.1f", b - a }'
}

# step LOG WHAT COMMAND...: one line of progress. The command's output goes to LOG; where it fails, the
# log's end is shown and the script ends. It runs in a subshell under "set -e".
step() {
    local log=$1 what=$2 from=$EPOCHREALTIME rc=0
    shift 2
    printf '  %-44s' "$what"
    printf '=== %s\n' "$what" >>"$log"
    set +e
    (
        set -e
        "$@"
    ) >>"$log" 2>&1 </dev/null
    rc=$?
    set -e
    if [ "$rc" -ne 0 ]; then
        say 'FAILED'
        awk '/^=== / { text = "" } { text = text $0 "\n" } END { printf "%s", text }' "$log" | tail -n 20 >&2
        die "$what: failed with status $rc; the whole log: $log"
    fi
    say "$(seconds_since "$from") s"
}

# Names of the files that make up the checkout in the current folder, each ended by NUL. $1: a folder to
# leave out.
list_sources() {
    local file
    if [ -e .git ] && command -v git >/dev/null; then
        git -c safe.directory='*' ls-files -z --cached --others --exclude-standard
    else
        find . -name .git -prune -o -path "./${1#"$PWD"/}" -prune -o -type f ! -name '*.[oa]' \
            ! -name config.status ! -name Makefile -printf '%P\0'
    fi | while IFS= read -r -d '' file; do
        [ ! -f "$file" ] || printf '%s\0' "$file"
    done | sort -zu
}

# copy_sources TO [LEAVE_OUT]: makes TO a copy of the checkout $top with the same times, so that make builds
# only what changed. The checkout itself stays as it is, whatever was built in it.
copy_sources() (
    set -euo pipefail
    mkdir -p "$1"
    touch "$1/.sources"
    cd "$top"
    list_sources "${2:-}" >"$1/.sources.new"
    tar -cf - --null --no-recursion -T "$1/.sources.new" | tar -xf - -C "$1" --no-same-owner
    comm -z -23 "$1/.sources" "$1/.sources.new" >"$1/.sources.gone"
    if [ -s "$1/.sources.gone" ]; then
        (cd "$1" && xargs -0 rm -f -- <.sources.gone)
        touch "$1/.sources.less"
    fi
    mv "$1/.sources.new" "$1/.sources"
)

# build_tree SOURCE BUILD [CONFIGURE_ARGUMENT...]: builds SOURCE in BUILD; nothing to do costs half a second.
build_tree() (
    set -euo pipefail
    local source=$1 build=$2
    shift 2
    [ -x "$source/configure" ] || (cd "$source" && autoreconf -fi)
    # make cannot do without a file that objects were made of.
    [ ! "$source/.sources.less" -nt "$build/config.status" ] || rm -rf "$build"
    mkdir -p "$build"
    cd "$build"
    if [ ! -f config.status ] || [ "$(cat .configured 2>/dev/null)" != "$source $*" ]; then
        rm -f config.status
        "$source/configure" -q "$@"
        printf '%s %s\n' "$source" "$*" >.configured
    fi
    make -s -j"$(nproc)"
)
