#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches Keycloak (its Maven artifact, 147 MB) for tests/http/test_keycloak.py, once.
# usage: tests/lib/keycloak.sh
# Prints the folder: $ANNALS_TEST_CACHE/keycloak-VERSION (default: the user's cache folder), never one in
# the checkout. Exits 77 with a reason where Maven, Java 17 or the network is missing.
set -eu
version=26.0.7
cache=${ANNALS_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/annals-tests}
target=$cache/keycloak-$version
skip() {
    echo "keycloak: $*" >&2
    exit 77
}
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
command -v "$java" >/dev/null || skip 'java is missing'
major=$("$java" -version 2>&1 | sed -n '1s/[^"]*"\([0-9]*\).*/\1/p')
[ "${major:-0}" -ge 17 ] || skip "java is older than 17"
if [ ! -d "$target" ]; then
    command -v mvn >/dev/null || skip 'mvn is missing'
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/keycloak-XXXXXX")
    trap 'rm -rf "$work"' EXIT
    timeout 300 mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy \
        -DoutputDirectory="$work" -Dartifact="org.keycloak:keycloak-quarkus-dist:$version:tar.gz" >&2 ||
        skip 'the artifact cannot be had'
    tar -xzf "$work/keycloak-quarkus-dist-$version.tar.gz" -C "$work"
    # What does not change from start to start is worked out once.
    "$work/keycloak-$version/bin/kc.sh" build --db=dev-file --health-enabled=true >&2 ||
        skip 'its build failed'
    [ -d "$target" ] || mv "$work/keycloak-$version" "$target"
fi
echo "$target"
