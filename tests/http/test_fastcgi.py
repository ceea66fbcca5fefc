# SPDX-License-Identifier: Apache-2.0
"""The FastCGI side of the applications, without a web server: peers that stall, lie, abort, or talk
nonsense."""

import collections
import gzip
import os
import signal
import socket
import time

import fastcgi
import pytest
from client import new_id
from echo import IO_TIMEOUT, WORKERS, Echo
from fastcgi import (BEGIN, KEEP_CONN, STDIN, begin, body, call, connect, params, receive, record,
                     request_params)

MIB = 1 << 20


def events(*more, content_length=None):
    return request_params("POST", "/v1/events", *more, content_length=content_length)


def test_whole_request(echo):
    reply = call(echo.socket("ingest"), events(content_length=5), b"12345")
    assert reply.status == 200 and reply.ended
    assert b'"bytes":5' in reply.body


@pytest.mark.parametrize(
    "why, length, data, status",
    [
        ("shorter than promised", "100", b"12345", 503),
        ("longer than promised", "2", b"12345", 400),
        ("nothing of what was promised", "5", b"", 503),
        ("negative", "-1", b"12345", 400),
        ("no number", "five", b"12345", 400),
        ("blank in front", " 5", b"12345", 400),
        ("absent", None, b"12345", 200),
        ("empty", "", b"12345", 200),
        ("promised too much", str(16 * MIB + 1), b"", 413),
    ],
)
def test_content_length(echo, why, length, data, status):
    assert call(echo.socket("ingest"), events(content_length=length), data).status == status, why


def test_coded_body_that_is_short(echo):
    """What can be told is that bytes are missing, not that it is no gzip."""
    gzipped = gzip.compress(b"12345")
    for data, status in ((gzipped, 200), (gzipped[:-3], 503), (b"", 503), (b"x" * len(gzipped), 400)):
        reply = call(echo.socket("ingest"),
                     events(("HTTP_CONTENT_ENCODING", "gzip"), content_length=len(gzipped)), data)
        assert reply.status == status


def test_too_large_without_a_length(echo):
    assert call(echo.socket("ingest"), events(), b"x" * (16 * MIB + 1)).status == 413
    assert call(echo.socket("ingest"), events(), b"x" * (16 * MIB)).status == 200


def test_abort_record(echo):
    mine = new_id()
    with connect(echo.socket("ingest")) as s:
        s.sendall(begin() + params(events(("HTTP_X_REQUEST_ID", mine), content_length=10)) + body(b"12345"))
        s.sendall(record(fastcgi.ABORT))
        receive(s)
    assert echo.line(mine)["status"] == 400


def test_closed_within_the_body(echo):
    mine = new_id()
    with connect(echo.socket("ingest")) as s:
        s.sendall(begin() + params(events(("HTTP_X_REQUEST_ID", mine), content_length=10)) + body(b"12345"))
    assert echo.line(mine)["status"] == 400


def test_closed_within_the_parameters(echo):
    """Parameters that end with the connection are no request, even if they end between two."""
    mine = new_id()
    whole = params(events(("HTTP_X_REQUEST_ID", mine)))
    with connect(echo.socket("ingest")) as s:
        s.sendall(begin() + whole[:-8])  # all but the record that ends the stream
    time.sleep(0.3)
    assert echo.lines(mine) == []


def test_connection_is_closed_even_if_asked_to_be_kept(echo):
    for _ in range(2 * WORKERS):
        with connect(echo.socket("ingest")) as s:
            s.sendall(begin(KEEP_CONN) + params(events(content_length=1)) + body(b"x") + record(STDIN))
            assert receive(s).status == 200
            assert s.recv(1) == b""


STALLS = {
    "nothing": b"",
    "half a header": begin()[:4],
    "after the first record": begin(),
    "within the parameters": begin() + params(events(content_length=10))[:30],
    "before the body": begin() + params(events(content_length=10)),
    "within the body": begin() + params(events(content_length=10)) + body(b"12345"),
}


@pytest.mark.parametrize("stage", STALLS)
def test_stalled_peers_cost_no_more_than_their_worker(echo, stage):
    started = time.monotonic()
    stalled = [connect(echo.socket("ingest"), IO_TIMEOUT + 2) for _ in range(WORKERS - 1)]
    try:
        for s in stalled:
            s.sendall(STALLS[stage])
        time.sleep(0.2)
        asked = time.monotonic()
        assert call(echo.socket("ingest"), events(content_length=1), b"x").status == 200
        assert time.monotonic() - asked < 1
        for s in stalled:
            while s.recv(65536):
                pass
        assert time.monotonic() - started < IO_TIMEOUT + 0.7
    finally:
        for s in stalled:
            s.close()


def test_peer_that_takes_no_reply_is_dropped(echo):
    mine = new_id()
    with connect(echo.socket("search")) as s:
        uri = f"/v1/events/export?bytes={64 * MIB}"
        s.sendall(begin() + params(request_params("GET", uri, ("HTTP_X_REQUEST_ID", mine))) + record(STDIN))
        line = echo.line(mine, IO_TIMEOUT + 3)
        assert "takes no more" in line["error"]
        assert line["us"] < (IO_TIMEOUT + 1) * 1000000


def test_nonsense(echo):
    for data in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 64,
        b"\x01\x01\x00\x01\xff\xff\x00\x00",
        os.urandom(4096),
        record(BEGIN, b"\x00\x07" + b"\0" * 6),  # a role that does not exist
        begin() + record(fastcgi.PARAMS, b"\xff\xff\xff\xff\xff\xff\xff\xffX"),
        begin() + record(fastcgi.PARAMS, b"\x7f"),
    ):
        with connect(echo.socket("ingest")) as s:
            try:
                s.sendall(data)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except (BrokenPipeError, ConnectionResetError):
                pass
    assert call(echo.socket("ingest"), events(content_length=1), b"x").status == 200


def test_first_of_two_parameters_counts(echo):
    uri = "/v1/events"
    reply = call(echo.socket("search"),
                 request_params("GET", uri, ("HTTP_X_TWICE", "one"), ("HTTP_X_TWICE", "two")))
    assert b'"X-Twice":"one"' in reply.body


def client_of(echo, *pairs):
    reply = call(echo.socket("search"), request_params("GET", "/v1/events", *pairs))
    return reply.body.split(b'"client":"')[1].split(b'"')[0].decode()


def test_client_behind_proxies(echo):
    """10.0.0.0/8 is trusted."""
    forwarded = ("HTTP_X_FORWARDED_FOR", "198.51.100.1, 203.0.113.9")
    assert client_of(echo, ("REMOTE_ADDR", "10.0.0.1"), forwarded) == "203.0.113.9"
    assert client_of(echo, ("REMOTE_ADDR", "192.0.2.1"), forwarded) == "192.0.2.1"
    # "X_Forwarded_For" of a client becomes the same name as the field of the proxy: then neither is believed.
    forged = ("HTTP_X_FORWARDED_FOR", "127.0.0.1")
    assert client_of(echo, ("REMOTE_ADDR", "10.0.0.1"), forged, forwarded) == "10.0.0.1"


@pytest.mark.parametrize("path", ["/metrics", "/readyz"])
def test_monitoring_is_hidden_from_strangers(echo, path):
    def status(*pairs):
        return call(echo.socket("search"), request_params("GET", path, *pairs)).status

    here = status(("REMOTE_ADDR", "127.0.0.1"))
    assert here == (200 if path == "/metrics" else 503)  # there is no database behind these tests
    assert status(("REMOTE_ADDR", "::1")) == here
    assert status(("REMOTE_ADDR", "203.0.113.9")) == 404
    assert status(("REMOTE_ADDR", "203.0.113.9"), ("HTTP_X_FORWARDED_FOR", "127.0.0.1")) == 404
    assert status(("REMOTE_ADDR", "10.0.0.1"), ("HTTP_X_FORWARDED_FOR", "127.0.0.1")) == 404
    assert status(("REMOTE_ADDR", "")) == 404


def test_readiness_names_what_is_missing(echo):
    reply = call(echo.socket("ingest"), request_params("GET", "/readyz"))
    assert reply.status == 503
    assert reply.fields["retry-after"] == "1"
    assert b"database_writer" in reply.body


def test_absolute_form(echo):
    reply = call(echo.socket("search"), request_params("GET", "http://example.org/v1/events?a=1"))
    assert reply.status == 200 and b'"path":"/v1/events"' in reply.body
    assert call(echo.socket("search"), request_params("GET", "v1/events")).status == 404
    assert call(echo.socket("search"), request_params("GET", "")).status == 404


def test_method_of_another_application(echo):
    """The web server sent it to the wrong socket: that is our operator's fault, not the client's."""
    mine = new_id()
    reply = call(echo.socket("ingest"), request_params("GET", "/v1/events", ("HTTP_X_REQUEST_ID", mine)))
    assert reply.status == 500
    assert "wrong socket" in echo.line(mine)["error"]


def resident_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        for line in f:
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    return 0


def test_large_bodies_stay_within_64_mib_of_memory(echo):
    data = b"x" * (16 * MIB)
    for _ in range(2 * WORKERS):
        assert call(echo.socket("ingest"), events(content_length=len(data)), data).status == 200
    master = echo.processes["ingest"].pid
    with open(f"/proc/{master}/task/{master}/children", encoding="ascii") as f:
        workers = [int(pid) for pid in f.read().split()]
    assert len(workers) == WORKERS
    if not any("asan" in line for line in open(f"/proc/{workers[0]}/maps", encoding="utf-8")):
        assert max(resident_mib(pid) for pid in workers) < 64


def test_few_requests_keep_few_workers_warm(echo):
    """Idle workers are woken in one order, not in turn. A worker that has answered may not be back when the
    next request comes, so that the second one gets it."""
    served = set()
    for _ in range(3 * WORKERS):
        mine = new_id()
        assert call(echo.socket("search"),
                    request_params("GET", "/v1/events", ("HTTP_X_REQUEST_ID", mine))).status == 200
        served.add(echo.line(mine)["pid"])
    assert len(served) <= 2 < WORKERS


def test_term_lets_the_running_request_finish(built, tmp_path):
    apps = Echo(tmp_path, names=("ingest",), workers=1)
    try:
        apps.start()
        with connect(apps.socket("ingest")) as s:
            s.sendall(begin() + params(events(content_length=10)) + body(b"12345"))
            time.sleep(0.3)  # the worker waits for the rest
            apps.processes["ingest"].send_signal(signal.SIGTERM)
            time.sleep(0.5)
            s.sendall(body(b"67890") + record(STDIN))
            assert receive(s).status == 200
        assert apps.processes["ingest"].wait(5) == 0
    finally:
        apps.stop()


def test_term_ends_an_idle_worker_at_once(built, tmp_path):
    apps = Echo(tmp_path, names=("ingest",))
    try:
        apps.start()
        started = time.monotonic()
        apps.processes["ingest"].send_signal(signal.SIGTERM)
        assert apps.processes["ingest"].wait(5) == 0
        assert time.monotonic() - started < 1.5
    finally:
        apps.stop()


def test_term_reaches_a_worker_that_is_never_idle(built, tmp_path):
    """The next connection is always there already: two seconds of work wait in the queue."""
    apps = Echo(tmp_path, names=("search",), workers=1)
    queue = []
    try:
        apps.start()
        for _ in range(40):
            queue.append(connect(apps.socket("search")))
            queue[-1].sendall(begin() + params(request_params("GET", "/v1/slow?ms=50")) + record(STDIN))
        assert receive(queue[0]).status == 200
        started = time.monotonic()
        apps.processes["search"].send_signal(signal.SIGTERM)
        assert apps.processes["search"].wait(5) == 0
        assert time.monotonic() - started < 1
    finally:
        for s in queue:
            s.close()
        apps.stop()


def test_a_worker_that_is_never_idle_serves_its_share(built, tmp_path):
    """And up to a tenth more, while the next connection is always there already."""
    apps = Echo(tmp_path, names=("search",), workers=1, max_requests=20)
    queue, ids = [], [new_id() for _ in range(60)]
    try:
        apps.start()
        for mine in ids:
            queue.append(connect(apps.socket("search")))
            uri = request_params("GET", "/v1/slow?ms=10", ("HTTP_X_REQUEST_ID", mine))
            queue[-1].sendall(begin() + params(uri) + record(STDIN))
        assert [receive(s).status for s in queue] == [200] * len(queue)
        served = collections.Counter(apps.line(mine)["pid"] for mine in ids)
        assert len(served) >= 3 and max(served.values()) <= 22, served
    finally:
        for s in queue:
            s.close()
        apps.stop()
