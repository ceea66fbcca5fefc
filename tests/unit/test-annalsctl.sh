#!/bin/sh
# The tool's frame: where options may stand, suggestions, exit statuses; and documents that say what tables
# say.
set -u
srcdir=${srcdir:-.}
ctl=./annalsctl
folder=$(mktemp -d /tmp/an-ctl-XXXXXX)
trap 'rm -rf "$folder"' EXIT
conf=$folder/annals.conf
failed=0
unset ANNALS_CONF

fail() {
    echo "FAIL: $*"
    failed=1
}

# expect STATUS TEXT ARGUMENT...: exit status, and what must be said on either stream.
expect() {
    status=$1 text=$2
    shift 2
    "$ctl" "$@" >"$folder/out" 2>&1
    got=$?
    [ "$got" = "$status" ] || fail "annalsctl $*: exit $got, not $status: $(cat "$folder/out")"
    grep -qF -- "$text" "$folder/out" || fail "annalsctl $*: '$text' is not in: $(cat "$folder/out")"
}

printf '[search]\nworkers = 3\n' >"$conf"
expect 0 "search.workers = 3" config show --config "$conf"
expect 0 "search.workers = 3" --config "$conf" config show
expect 0 "search.workers = 3  # $conf:2" --config="$conf" config show --origin
expect 0 '"search.workers": {"value": "3", "origin": "'"$conf:2"'"}' --json config show --config "$conf"
expect 0 "$conf: good" config check --config "$conf"
expect 0 "at most: 13 (ingest 4, search 3, admin 6)" config check --config "$conf"
expect 0 "to the primary: 13 (writer 6, reader 5, job 2)" config check --config "$conf"
expect 0 "for each further shard: to its primary: 9 (writer 4, reader 5)" config check --config "$conf"
expect 0 "for each further shard: to each of its replicas: 5 (reader 5)" config check --config "$conf"
expect 0 '"search": 3, "admin": 6, "primary": {"writer": 6, "reader": 5, "platform": 0, "job": 2}, "shard_p' \
    config check --json --config "$conf"

printf '[search]\nworkers = 3\n[replica.near]\nconninfo = host=b\n[replica.far]\nconninfo = host=c\n' >"$conf"
expect 0 "ingest 16, search 9, admin 10" config check --config "$conf"
expect 0 "to the primary: 17 (writer 6, reader 9, job 2)" config check --config "$conf"
expect 0 "to replica far: 9 (reader 9)" config check --config "$conf"
expect 0 '"replica": {"writer": 0, "reader": 9, "platform": 0, "job": 0}' config check --json --config "$conf"
printf '[search]\nreplica_fallback = refuse\n' >>"$conf"
expect 0 "to the primary: 17 (writer 6, reader 9, job 2)" config check --config "$conf"
expect 0 "to replica far: 9 (reader 9)" config check --config "$conf"
printf '[database]\nplatform = user=annals_platform\n' >>"$conf"
expect 0 "to the primary: 20 (writer 9, reader 9, job 2)" config check --config "$conf"
printf '[issuer.main]\nissuer = https://idp\naudience = a\nalgorithms = ES256\n' >>"$conf"
printf 'discovery_url = https://idp/d\n' >>"$conf"
expect 0 "to the primary: 23 (writer 12, reader 9, job 2)" config check --config "$conf"
printf '[replica.bad]\nconninfo = host=d user=me\n' >>"$conf"
expect 78 "replica.bad.conninfo: the place of a server must not name user" config check --config "$conf"

# A service file: what it lacks is named, what it holds is not shown.
printf '[database]\nwriter = service=w\nreader = service=r\nplatform = service=none\n' >"$conf"
printf '[w]\nhost=a\npassword=geheim\n[r]\nhost=a,b\nport=1,2,3\npassword=geheim\n' >"$folder/services"
export PGSERVICEFILE="$folder/services"
expect 78 'database.platform: definition of service "none" not found' config check --config "$conf"
expect 78 'database.reader: 2 hosts are named with 3 ports' config check --config "$conf"
! grep -q "geheim\|writer" "$folder/out" || fail "config check: $(cat "$folder/out")"
expect 0 "database.writer = (set)" config show --config "$conf"
! grep -q geheim "$folder/out" || fail "config show: $(cat "$folder/out")"
PGSERVICEFILE=$folder/none expect 78 "database.writer: service file \"$folder/none\" not found" \
    config check --config "$conf"
unset PGSERVICEFILE

printf '[serch]\n[search]\npage_max = 1\nworkrs = 2\n' >"$conf"
expect 78 "$conf:1: unknown section [serch] (did you mean \"search\"?)" config check --config "$conf"
expect 78 "$conf:3: search.page_max: 1 is less than search.page_default, 50" config check --config "$conf"
expect 78 "$conf:4: search.workrs: unknown key (did you mean \"workers\"?)" config check --config "$conf"
expect 78 '"good": false' config check --json --config "$conf"
expect 78 "$conf:1: unknown section" config show --config "$conf"
expect 78 "cannot open $folder/none" config show --config "$folder/none"
ANNALS_CONF=$folder/none expect 78 "cannot open $folder/none" config show

expect 0 "annalsctl " --version
expect 0 "config dump" --help
expect 0 "config dump" config --help
expect 0 "usage: annalsctl config show [--origin]" config show --help
expect 2 "a command is missing"
expect 2 "--config takes a file" config show --config
expect 2 'did you mean "config check"?' config chek
expect 2 'did you mean "config"?' confg
expect 2 "'config' needs a further word" config
expect 2 "unknown command 'zzz'" zzz
expect 2 "unknown command 'tenant zzz' (see annalsctl tenant --help)" tenant zzz
expect 2 "config check takes no arguments" config check x
expect 2 "token check takes no arguments" token check x
expect 2 "config show: unexpected argument 'x'" config show x
expect 2 "config show: --origin takes no value" config show --orig=1
expect 2 "config show: unknown option '--frob'" config show --frob
expect 2 "config show: unknown option '-x'" config show -xy
expect 2 "hold add: --reason takes a value" hold add t --reason
expect 2 "hold add takes one TENANT" hold add --reason x

# The completion script completes.
completes() { # EXPECTED WORD...
    expected=$1
    shift
    # shellcheck disable=SC2016  # bash is to expand it
    got=$(bash -c '. "$1"; shift; COMP_WORDS=(annalsctl "$@") COMP_CWORD=$#; _annalsctl
        echo "${COMPREPLY[*]}"' bash "$folder/completion" "$@")
    [ "$got" = "$expected" ] || fail "completion of '$*': $got"
}
if command -v bash >/dev/null; then
    "$ctl" completion bash >"$folder/completion"
    completes config conf
    completes check config ch
    completes --origin config show --o
    completes check token ch
    completes --tenant token --te
    completes 'status shard' s
    completes drain shard d
    completes --primary shard add --p
    completes --all-shards db migrate --al
    completes --shard tenant add --s
    completes '' token check --te
fi

# The sample file is the table's print-out.
"$ctl" config dump >"$folder/dump"
diff -u "$srcdir/packaging/annals.conf" "$folder/dump" ||
    fail "packaging/annals.conf is out of date: ./annalsctl config dump >packaging/annals.conf"

# annals.conf(5) has every key, with its default where that is the same in all sections, and no other.
manual=$srcdir/docs/man/annals.conf.5
sed -n 's/^#\([a-z_]*\) =.*/\1/p' "$folder/dump" | sort >"$folder/all"
sort -u "$folder/all" >"$folder/keys"
[ "$(wc -l <"$folder/keys")" -gt 40 ] || fail "config dump shows too few keys"
while read -r key; do
    grep -q "^\.It Ic $key\( \|\$\)" "$manual" || fail "annals.conf(5) does not document $key"
done <"$folder/keys"
uniq -u "$folder/all" | while read -r key; do
    default=$(sed -n "s/^#$key = *//p" "$folder/dump")
    [ -z "$default" ] || grep -qFx ".It Ic $key No = $default" "$manual" || echo "$key = $default"
done >"$folder/bad"
[ ! -s "$folder/bad" ] || fail "annals.conf(5) says otherwise: $(cat "$folder/bad")"
sed -n 's/^\.It Ic \([a-z_]*\).*/\1/p' "$manual" | sort -u | comm -23 - "$folder/keys" >"$folder/bad"
[ ! -s "$folder/bad" ] || fail "annals.conf(5) documents keys that do not exist: $(cat "$folder/bad")"

# annalsctl(1) has every command.
"$ctl" --help | sed -n 's/^  \([a-z][a-z ]*[a-z]\).*/\1/p' | while read -r command; do
    grep -q "^\.It Ic $command\( [A-Z]\|\$\)" "$srcdir/docs/man/annalsctl.1" || echo "$command"
done >"$folder/bad"
[ ! -s "$folder/bad" ] || fail "annalsctl(1) does not document: $(cat "$folder/bad")"

# The manual is well-formed.
if command -v mandoc >/dev/null; then
    mandoc -T lint -W warning "$srcdir"/docs/man/*.[1-8] || fail "mandoc complains"
fi
exit $failed
