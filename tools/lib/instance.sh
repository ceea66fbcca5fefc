# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The parts of quickstart's private instance: where things lie, the user that servers run as, PostgreSQL, the
# programs, the web server. Sourced after common.sh; the caller sets $dir (absolute) and $port.
# shellcheck disable=SC2034 # much of this is for the caller
: "${dir:?}" "${port:?}"
PATH=$PATH:/usr/sbin:/sbin

etc=$dir/etc run=$dir/run logs=$dir/log data=$dir/pg
source_tree=$dir/src
bin=$dir/build
conf=$etc/annals.conf
steps_log=$logs/quickstart.log
daemons=(lighttpd admin search ingest partition) # in the order in which they are stopped

# A socket's path has 107 bytes at most. Where DIR is too deep, sockets lie in a folder of our own under /tmp.
pg_sockets=$data
sockets=$run
if [ $((${#dir} + 21)) -gt 107 ]; then
    sockets=/tmp/annals-$(id -u)-$(printf '%s' "$dir" | cksum | cut -d ' ' -f 1)
    pg_sockets=$sockets
fi

# --- the user that servers run as -----------------------------------------------------------------
service_user=$(id -un)
as_service=() # the command that runs another as that user

# PostgreSQL refuses to run as root, and nothing else here needs to. The checkout may lie where that user
# cannot go (/root): then its processes get the one capability that opens the way, or nothing will.
choose_service_user() {
    local as capability
    [ "$(id -u)" -eq 0 ] || return 0
    service_user=postgres
    id "$service_user" >/dev/null 2>&1 || service_user=nobody
    as=(setpriv --reuid="$service_user" --regid="$(id -g "$service_user")" --clear-groups)
    if can_enter "${as[@]}"; then
        as_service=("${as[@]}")
        return
    fi
    for capability in dac_read_search dac_override; do
        as_service=("${as[@]}" --inh-caps="+$capability" --ambient-caps="+$capability")
        can_enter "${as_service[@]}" && return
    done
    die "the user $service_user cannot enter $dir: choose another folder with --dir"
}
can_enter() { # COMMAND that changes the user
    "$@" sh -c 'cd "$1"' sh "$run" 2>/dev/null
}

make_folders() {
    local owned=("$run" "$logs" "$data")
    mkdir -p "$etc/conf.d" "${owned[@]}"
    printf '*\n' >"$dir/.gitignore"
    choose_service_user
    [ "${#as_service[@]}" -eq 0 ] || chown "$service_user:" "${owned[@]}"
}

make_socket_folder() { # only where it is not DIR/run
    [ "$sockets" != "$run" ] || return 0
    mkdir -m 0700 "$sockets" 2>/dev/null || true
    [ "${#as_service[@]}" -eq 0 ] || chown -h "$service_user:" "$sockets"
    [ ! -L "$sockets" ] && [ "$(stat -c %U:%a "$sockets")" = "$service_user:700" ] ||
        die "$sockets belongs to somebody else"
}

# --- processes ------------------------------------------------------------------------------------
# The id of a running part, from its pid file; fails where it does not run. An id that meanwhile belongs to a
# program that does not mention DIR is not ours.
pid_of() { # NAME
    local file=$run/$1.pid pid
    [ "$1" != postgres ] || file=$data/postmaster.pid
    pid=$(head -n 1 "$file" 2>/dev/null) && [ -n "$pid" ] || return 1
    { tr '\0' '\n' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF "$dir/" || return 1
    printf '%s\n' "$pid"
}

# spawn NAME COMMAND...: starts it in a session of its own, output to log/NAME.log.
spawn() {
    local name=$1
    shift
    # The program may write its pid file before we do: it must be its own from the start.
    : >"$run/$name.pid"
    [ "${#as_service[@]}" -eq 0 ] || chown "$service_user:" "$run/$name.pid"
    setsid "${as_service[@]}" "$@" >>"$logs/$name.log" 2>&1 </dev/null 9>&- &
    printf '%s\n' "$!" >"$run/$name.pid"
}

# wait_until SECONDS PID COMMAND...: until the command succeeds; fails after that time or when the process
# is gone.
wait_until() {
    local limit=$((SECONDS + $1)) pid=$2
    shift 2
    until "$@"; do
        kill -0 "$pid" 2>/dev/null || return 1
        [ "$SECONDS" -lt "$limit" ] || return 1
        sleep 0.05
    done
}

stop_part() { # NAME
    local pid
    pid=$(pid_of "$1") || return 0
    if [ "$1" = postgres ]; then
        kill -INT "$pid" # fast shutdown
    else
        kill -TERM "$pid"
    fi
    local limit=$((SECONDS + 30))
    while pid_of "$1" >/dev/null; do
        if [ "$SECONDS" -ge "$limit" ]; then
            warn "$1 (process $pid) did not stop within 30 s: killed"
            kill -KILL "$pid" 2>/dev/null || true
            break
        fi
        sleep 0.05
    done
    rm -f "$run/$1.pid"
}

stop_all() {
    local name
    for name in "${daemons[@]}" postgres; do
        stop_part "$name"
    done
    [ "$sockets" = "$run" ] || rm -rf "$sockets"
}

# --- PostgreSQL -----------------------------------------------------------------------------------
pg_bin() { # of the cluster's version, else the newest
    local version
    version=$(cat "$data/PG_VERSION" 2>/dev/null || true)
    if [ -z "$version" ]; then
        compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1
        return
    fi
    [ -x "/usr/lib/postgresql/$version/bin/postgres" ] ||
        die "the cluster in $data is of PostgreSQL $version, which is not installed (--reset makes a new one)"
    printf '%s\n' "/usr/lib/postgresql/$version/bin"
}

conninfo() { # USER
    printf 'host=%s port=5432 dbname=annals user=%s' "$pg_sockets" "$1"
}

# Trust is safe here: the socket lies in a folder that only its owner (and root) can enter, and no port is
# open.
make_cluster() {
    [ ! -e "$data/PG_VERSION" ] || return 0
    "${as_service[@]}" "$(pg_bin)/initdb" -D "$data" --auth=trust --data-checksums --encoding=UTF8 \
        --locale=C --username=postgres
}

start_postgres() {
    "${as_service[@]}" "$(pg_bin)/pg_ctl" start -w -t 60 -D "$data" -l "$logs/postgres.log" \
        -o "-k $pg_sockets -p 5432 -c listen_addresses=''" 9>&-
    "${as_service[@]}" "$(pg_bin)/psql" -XAt -v ON_ERROR_STOP=1 \
        -d "host=$pg_sockets dbname=postgres user=postgres" <<<"
        SELECT 'CREATE DATABASE annals'
        WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'annals') \\gexec"
}

# --- Annals ---------------------------------------------------------------------------------------
ctl() {
    "$bin/annalsctl" --config "$conf" "$@"
}

write_conf() {
    if [ ! -e "$conf" ]; then
        cat >"$conf" <<END
# Made once by quickstart; from then on yours to change. All keys: annals.conf(5), or "annalsctl config dump".
[process]
run_dir = $run

[ingest]
listen = $sockets/ingest.sock

[search]
listen = $sockets/search.sock

[admin]
listen = $sockets/admin.sock

[database]
writer = $(conninfo annals_writer)
reader = $(conninfo annals_reader)
platform = $(conninfo annals_platform)
job = $(conninfo annals_job)
keeper = $(conninfo annals_keeper)
owner = $(conninfo postgres)

[auth]
issuer_key_file = $etc/issuer.pem

[issuer.local]
issuer = urn:annals:quickstart
audience = annals
algorithms = ES256
keys_file = $etc/issuer.jwks
END
    fi
    cat >"$etc/conf.d/quickstart.conf" <<END
# Written by quickstart at each start: what follows from --port.
[admin]
public_url = http://127.0.0.1:$port
END
}

make_issuer() {
    [ -e "$etc/issuer.pem" ] || ctl issuer init
}

start_app() { # ingest | search | admin
    rm -f "$sockets/$1.sock"
    spawn "$1" "$bin/annals-$1" --config "$conf"
    wait_until 10 "$!" test -S "$sockets/$1.sock"
}

start_partition_job() {
    "${as_service[@]}" "$bin/annals-partition" --config "$conf" --once
    spawn partition "$bin/annals-partition" --config "$conf" --loop 1h
}

# --- lighttpd -------------------------------------------------------------------------------------
write_lighttpd_conf() {
    cat >"$etc/lighttpd.conf" <<END
# Written by quickstart at each start. What belongs to Annals is in the file included at the end.
server.bind = "127.0.0.1"
server.port = $port
server.document-root = "$etc"
server.upload-dirs = ("$run")
var.annals_run = "$sockets"
include "$source_tree/packaging/lighttpd/annals.conf"
END
}

start_lighttpd() {
    spawn lighttpd lighttpd -D -f "$etc/lighttpd.conf"
    wait_until 10 "$!" answers
}

port_is_taken() {
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null
}

answers() {
    curl -fsS --noproxy '*' -m 2 -o /dev/null "http://127.0.0.1:$port/healthz" 2>/dev/null
}
