# SPDX-License-Identifier: Apache-2.0
"""./quickstart as a newcomer meets it: two instances side by side, each in a folder of its own."""
import json
import os
import pathlib
import shutil
import subprocess
import time
import urllib.request

import pytest

import postgres
from annals import TOP, wait_until
from webserver import free_port

VARIABLES = {"ANNALS_URL", "ANNALS_WRITE_TOKEN", "ANNALS_READ_TOKEN", "ANNALS_ADMIN_TOKEN", "ANNALS_PG",
             "ANNALS_CONF",
             "ANNALSCTL", "ANNALS_BIN", "ANNALS_JWKS", "ANNALS_ISSUER_KEY"}
PARTS = ("run/ingest.pid", "run/search.pid", "run/admin.pid", "run/lighttpd.pid", "pg/postmaster.pid")


def quickstart(*arguments, check=True):
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANNALS_")}
    env["CFLAGS"] = "-O1"  # most of the time is the compiler's
    done = subprocess.run([str(TOP / "quickstart"), *map(str, arguments)], cwd="/", env=env,
                          capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL, check=False)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def environment(folder):
    """The variables of quickstart.env, as a shell sees them."""
    names = subprocess.run(["sh", "-c", 'set -a; . "$1"/quickstart.env; env -0', "sh", folder],
                           capture_output=True,
                           text=True, check=True, env={"PATH": os.environ["PATH"]}).stdout
    return dict(line.split("=", 1) for line in names.split("\0") if line.startswith("ANNALS"))


def processes_of(folder):
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"{folder}/".encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def shell(line):
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def built():
    """Sources and build of a first start, for others to begin with: they cost most of the time."""
    folder = postgres.make_folder("an-qs-")
    os.chmod(folder, 0o755)
    yield pathlib.Path(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def first(built):
    folder = built / "one"
    port = free_port()
    done = quickstart("--dir", folder, "--port", port)
    yield folder, port, done.stdout
    quickstart("--dir", folder, "--stop")


def test_environment_file(first):
    folder, port, _ = first
    env = environment(folder)
    assert set(env) == VARIABLES
    assert env["ANNALS_URL"] == f"http://127.0.0.1:{port}"
    for name in ("ANNALS_CONF", "ANNALSCTL", "ANNALS_BIN", "ANNALS_JWKS", "ANNALS_ISSUER_KEY"):
        assert pathlib.Path(env[name]).exists(), name
    assert (folder / "quickstart.env").stat().st_mode & 0o077 == 0, "it holds tokens"
    assert all(int((folder / part).read_text().split()[0]) in processes_of(folder) for part in PARTS)
    who = subprocess.run([env["ANNALSCTL"], "token", "check"], input=env["ANNALS_ADMIN_TOKEN"], text=True,
                         check=True,
                         env={**os.environ, **env}, capture_output=True).stdout
    assert "demo" in who and "audit:admin" in who


def test_printed_curl_lines_work_alone(first):
    _, _, output = first
    lines = [line for line in output.splitlines() if line.startswith("curl ")]
    assert len(lines) == 3
    assert shell(lines[0])["status"] == "committed"
    assert shell(lines[1])["accepted"] == 2
    assert [event["actor"]["id"] for event in shell(lines[2])["events"]] == ["me", "me", "me"]


def test_printed_link_opens(first):
    _, port, output = first
    link = next(line for line in output.splitlines() if "/admin/login" in line)
    assert link.startswith(f"http://127.0.0.1:{port}/")
    with urllib.request.urlopen(link, timeout=10) as page:
        assert page.status == 200 and b"<form" in page.read()


def test_samples_are_there(first):
    folder, _, _ = first
    env = environment(folder)
    rows = subprocess.run(
        ["psql", "-XAt", "-F", " ", "-d", env["ANNALS_PG"], "-c",
         "SELECT tenant_id, count(*), count(*) FILTER (WHERE document -> 'changes' IS NOT NULL) > 100,"
         " count(DISTINCT outcome), max(\"timestamp\") > now() - interval '1 hour',"
         " min(\"timestamp\") < now() - interval '28 days', bool_or(document::text LIKE '%<script>%')"
         " FROM annals.events WHERE document ->> 'received_at' IS NULL AND actor_id <> 'me' "
         "AND tenant_id <> 'annals'"
         " GROUP BY 1 ORDER BY 1"],
        capture_output=True, text=True, check=True).stdout.splitlines()
    assert rows == ["acme 2000 t 3 t t f", "demo 8000 t 3 t t t"]


def test_status_repeat_and_stop(first):
    folder, port, _ = first
    assert "does not" not in quickstart("--dir", folder, "--status").stdout
    before = processes_of(folder)
    from_s = time.monotonic()
    done = quickstart("--dir", folder)  # the port is the one of before
    assert time.monotonic() - from_s < 20, "5 s on an idle machine"
    assert f"http://127.0.0.1:{port}" in done.stdout and "sample events" not in done.stdout
    assert not set(before) & set(processes_of(folder)), "all is new"
    quickstart("--dir", folder, "--stop")
    wait_until("no process is left", lambda: not processes_of(folder))
    stopped = quickstart("--dir", folder, "--status", check=False)
    assert stopped.returncode == 1 and "ingest: does not run" in stopped.stdout
    quickstart("--dir", folder, "--stop")  # once more is no fault
    quickstart("--dir", folder)
    assert shell(f"curl -sS '{environment(folder)['ANNALS_URL']}/v1/events?limit=1' -H 'Authorization: Bearer"
                 f" {environment(folder)['ANNALS_READ_TOKEN']}'")["events"]


def test_second_instance_and_what_can_go_wrong(first, built):
    folder, port, _ = first
    second = built / "two"
    shutil.copytree(folder / "src", second / "src", symlinks=True)  # saves a part of the build
    taken = quickstart("--dir", second, "--port", port, "--no-samples", check=False)
    assert taken.returncode != 0 and f"port {port} of 127.0.0.1 is taken" in taken.stderr
    assert not processes_of(second)
    try:
        quickstart("--dir", second, "--port", free_port(), "--no-samples")
        one, two = environment(folder), environment(second)
        assert one["ANNALS_URL"] != two["ANNALS_URL"]
        assert shell(f"curl -sS {two['ANNALS_URL']}/v1/events -H 'Authorization: Bearer "
                     f"{two['ANNALS_READ_TOKEN']}'"
                     )["events"] == []
        assert shell(f"curl -sS {two['ANNALS_URL']}/v1/events -H 'Authorization: Bearer "
                     f"{one['ANNALS_READ_TOKEN']}'"
                     )["status"] == 401, "each has an issuer of its own"
        # A part that cannot start: it is named, with its log, and nothing is left running.
        quickstart("--dir", second, "--stop")
        conf = second / "etc/annals.conf"
        conf.write_text(conf.read_text().replace("[search]", "[search]\nwrokers = 2"))
        failed = quickstart("--dir", second, check=False)
        assert failed.returncode != 0
        assert "wrokers" in failed.stderr and str(second / "log") in failed.stderr
        assert not processes_of(second)
        quickstart("--dir", second, "--reset", "--no-samples")
        assert "wrokers" not in conf.read_text()
        assert not processes_of(folder) == []
    finally:
        quickstart("--dir", second, "--stop")


def test_arguments():
    assert "usage" in quickstart("--help").stdout
    assert quickstart("--prot", "1", check=False).returncode == 2
    assert quickstart("--port", "http", check=False).returncode == 1
    assert quickstart("--port", check=False).returncode == 1
    assert quickstart("--dir", "/tmp/with blank", check=False).returncode == 1
