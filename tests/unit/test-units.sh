#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The units are what systemd understands, and leave a broken-into program little to do.
set -eu
command -v systemd-analyze >/dev/null || { echo "systemd-analyze is missing"; exit 77; }
units=${srcdir:-.}/packaging/systemd
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for unit in ingest.service ingest.socket search.service search.socket admin.service admin.socket \
    partition.service; do
    # "verify" wants programs that exist.
    pkglibexecdir=/bin sbindir=/bin sh "$units/make-unit.sh" "$units" "annals-$unit" |
        sed 's|/bin/annals-[a-z]*|/bin/true|' >"$folder/annals-$unit"
    if grep -q '@[a-z]*@' "$folder/annals-$unit"; then
        echo "annals-$unit: something was not filled in"
        exit 1
    fi
done
cp "$units/annals.target" "$units/annals-partition.timer" "$folder"
systemd-analyze verify --man=no "$folder"/annals* >"$folder/said" 2>&1 || true
if grep "$folder\|annals" "$folder/said"; then exit 1; fi
# Exposure in tenths, of 100: systemd calls up to 25 well protected.
for unit in ingest search admin partition; do
    systemd-analyze security --offline=true --threshold=20 "$folder/annals-$unit.service" >"$folder/said" || {
        cat "$folder/said"
        exit 1
    }
done
