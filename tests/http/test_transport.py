# SPDX-License-Identifier: Apache-2.0
"""What reaches a handler, and what a client gets back, through lighttpd and through Apache httpd."""

import gzip
import hashlib
import http.client
import socket
import time

import pytest
from client import new_id, raw, request, status_of, zstd_stored, zstd_zeros

MIB = 1 << 20
JSON = ("Content-Type", "application/json")


def post(web, body, *headers):
    return request(web.port, "POST", "/v1/events", body, [JSON, *headers])


def assert_problem(answer, status, slug):
    assert answer.status == status, answer.body
    assert answer.fields["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"] == f"/problems/{slug}"
    assert problem["request_id"] == answer.fields["X-Request-Id"]
    return problem


def assert_digest(answer, data):
    assert answer.status == 200, answer.body
    assert answer.json() == {"app": "ingest", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


# --- which application ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "method, path, app",
    [
        ("POST", "/v1/events", "ingest"),
        ("GET", "/v1/events", "search"),
        ("GET", "/v1/events?actor=user:1", "search"),
        ("GET", "/v1/events/42", "search"),
        ("GET", "/admin", "admin"),
        ("GET", "/admin/events/42", "admin"),
        ("POST", "/admin/login", "admin"),
    ],
)
def test_split_by_path_and_method(web, method, path, app):
    answer = request(web.port, method, path, b"{}" if method == "POST" else None)
    assert answer.status == 200
    assert answer.json()["app"] == app


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH"])
def test_method_of_no_application(web, method):
    answer = request(web.port, method, "/v1/events", b"{}")
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.fields["Allow"] == "GET, HEAD, POST"


def test_options(web):
    answer = request(web.port, "OPTIONS", "/v1/events")
    assert answer.status == 204
    assert answer.fields["Allow"] == "GET, HEAD, POST"


def test_post_with_a_slash_at_the_end(web):
    assert_problem(request(web.port, "POST", "/v1/events/", b"{}", [JSON]), 404, "not-found")


def test_what_is_not_ours(web):
    assert request(web.port, "GET", "/v1events").status == 404
    assert request(web.port, "GET", "/administrator").status == 404


# --- header fields --------------------------------------------------------------------------------
def test_authorization_arrives(web):
    answer = request(web.port, "GET", "/v1/events", None, [("Authorization", "Bearer abc.def.ghi")])
    assert answer.json()["Authorization"] == "Bearer abc.def.ghi"


def test_long_authorization_arrives(web):
    token = "Bearer " + "x" * 7000
    answer = request(web.port, "GET", "/v1/events", None, [("Authorization", token)])
    assert answer.json()["Authorization"] == token


def test_proxy_field_is_dropped(web):
    answer = request(web.port, "GET", "/v1/events", None, [("Proxy", "http://192.0.2.1/")])
    assert answer.json()["Proxy"] is None


def test_field_sent_twice(web):
    answer = request(web.port, "GET", "/v1/events", None, [("X-Twice", "one"), ("X-Twice", "two")])
    assert answer.json()["X-Twice"] in ("one, two", "one")


def test_identity_comes_from_the_token_alone(web, echo):
    token = echo.issuer.token("demo", "audit:read")
    forged = [(name, "other")
              for name in ("X-Tenant-Id", "X_Tenant_Id", "Tenant-Id", "Remote-User", "X-Forwarded-User")]
    forged.append(("Proxy", "http://192.0.2.1/"))
    answer = request(web.port, "GET", "/v1/whoami", None, [("Authorization", f"Bearer {token}"), *forged])
    assert answer.status == 200
    assert answer.json()["tenant"] == "demo"
    assert answer.json()["subject"] == "tester"


def test_tenant_field_with_an_underscore_is_not_believed(web, echo):
    token = echo.issuer.token("demo", "audit:read")
    fields = [("Authorization", f"Bearer {token}"), ("Annals_Tenant", "other")]
    answer = request(web.port, "GET", "/v1/whoami", None, fields)
    assert answer.status == 403 or answer.json()["tenant"] == "demo"  # lighttpd passes it on, httpd does not


def test_forwarded_address_of_a_stranger(web):
    answer = request(web.port, "GET", "/v1/events", None, [("X-Forwarded-For", "203.0.113.9")])
    assert answer.json()["client"] == "127.0.0.1"


def test_request_id(web):
    mine = new_id()
    assert request(web.port, "GET", "/healthz", None, [("X-Request-Id", mine)]).fields["X-Request-Id"] == mine
    for bad in ("a b", "x" * 65, "<script>"):
        made = request(web.port, "GET", "/healthz", None, [("X-Request-Id", bad)]).fields["X-Request-Id"]
        assert len(made) == 36 and made != bad


def test_common_fields_of_a_reply(web):
    for path in ("/healthz", "/v1/nothing", "/v1/limits"):
        fields = request(web.port, "GET", path).fields
        assert fields["Cache-Control"] == "no-store"
        assert fields["X-Content-Type-Options"] == "nosniff"


# --- paths ----------------------------------------------------------------------------------------
def test_path_and_query_arrive_decoded_once(web):
    answer = request(web.port, "GET", "/v1/events/a%20b%2541?x=%2Fy%26&z=1+2")
    assert answer.status == 200
    assert answer.json()["arg"] == "a b%41"
    assert answer.json()["param.x"] == "/y&"
    assert answer.json()["param.z"] == "1 2"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/events/a%2fb",
        "/v1/events/a%2Fb",
        "/v1/events/%00",
        "/v1/events/a%00b",
        "/v1/events/%zz",
        "/v1/events/%",
        "/v1/events/%ff",
        "/v1//events",
        "//v1/events",
        "/v1/../v1/events",
        "/v1/x/../events",
        "/v1/x/%2e%2e/events",
        "/v1/events/..",
        "/v1/events/%2e%2e",
        "/v1/events/.",
        "/admin/../v1/events",
    ],
)
def test_paths_that_are_refused(web, path):
    answer = request(web.port, "GET", path)
    assert answer.status in (400, 404), f"{path}: {answer.status} {answer.body}"


@pytest.mark.parametrize("query, parameter", [("a=%zz", "a"), ("x=1&b=%00", "b"), ("a=%ff", "a")])
def test_bad_query_names_the_parameter(web, query, parameter):
    answer = request(web.port, "GET", "/v1/events?" + query)
    if answer.status == 400 and b"/problems/" not in answer.body:
        return  # lighttpd refuses some of them itself
    assert assert_problem(answer, 400, "invalid-parameter")["errors"][0]["parameter"] == parameter


# --- HEAD -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/v1/big?bytes=1000", "/v1/big?bytes=200000", "/healthz"])
def test_head_is_get_without_a_body(web, path):
    get = request(web.port, "GET", path)
    head = request(web.port, "HEAD", path)
    assert head.status == get.status == 200
    assert head.body == b""
    assert head.fields["Content-Type"] == get.fields["Content-Type"]
    assert head.fields["Content-Length"] == get.fields["Content-Length"] == str(len(get.body))


# --- bodies ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 300000, 16 * MIB])
def test_sized_body(web, size):
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert_digest(post(web, data), data)


@pytest.mark.parametrize("size", [1, 300000, 16 * MIB])
def test_chunked_body(web, size):
    data = b"0123456789abcdef" * (size // 16) + b"x" * (size % 16)
    pieces = (data[i : i + 50000] for i in range(0, len(data), 50000))
    assert_digest(post(web, pieces), data)


def test_sized_body_over_the_limit_is_counted_by_us(web):
    problem = assert_problem(post(web, b"x" * (17 * MIB)), 413, "too-large")
    assert str(16 * MIB) in problem["detail"]


def test_chunked_body_over_the_limit_is_counted_by_us(web):
    pieces = (b"x" * 65536 for _ in range(17 * 16))
    assert_problem(post(web, pieces), 413, "too-large")


def test_one_byte_over_the_limit(web):
    assert_problem(post(web, b"x" * (16 * MIB + 1)), 413, "too-large")


def head_of(length, request_id):
    return (
        f"POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"X-Request-Id: {request_id}\r\n{length}\r\nConnection: close\r\n\r\n"
    ).encode()


def assert_not_taken(echo, request_id):
    """Whatever the client was told, no handler may have taken this body for a whole one."""
    time.sleep(0.3)
    assert [line for line in echo.lines(request_id) if line["status"] < 400] == []


def test_body_shorter_than_promised(web, echo):
    mine = new_id()
    answer = raw(web.port, head_of("Content-Length: 500", mine) + b"12345", half_close=True)
    assert status_of(answer) in (0, 400, 408)
    assert_not_taken(echo, mine)


def test_upload_that_is_aborted(web, echo):
    mine = new_id()
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as s:
        s.sendall(head_of("Content-Length: 1000000", mine) + b"x" * 500000)
    assert_not_taken(echo, mine)


def test_chunked_upload_that_is_aborted(web, echo):
    mine = new_id()
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as s:
        s.sendall(head_of("Transfer-Encoding: chunked", mine) + b"5\r\n12345\r\n")
    assert_not_taken(echo, mine)


def test_only_the_promised_bytes_are_the_body(web, echo):
    mine = new_id()
    answer = raw(web.port, head_of("Content-Length: 5", mine)
                 + b"12345GET /v1/crash HTTP/1.1\r\nHost: x\r\n\r\n")
    assert status_of(answer) == 200
    assert b'"bytes":5,' in answer
    assert echo.line(mine)["bytes_in"] == 5


@pytest.mark.parametrize(
    "length",
    [
        "Content-Length: -1",
        "Content-Length: 5x",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: gzip",
    ],
)
def test_lying_content_length(web, echo, length):
    mine = new_id()
    answer = raw(web.port, head_of(length, mine) + b"12345", half_close=True)
    assert not 200 <= status_of(answer) < 300, answer
    assert_not_taken(echo, mine)


def test_length_and_chunks_at_once(web, echo):
    """The chunks count, or the request is refused: never five bytes of the chunks' own text."""
    mine = new_id()
    data = head_of("Content-Length: 5\r\nTransfer-Encoding: chunked", mine) + b"3\r\nabc\r\n0\r\n\r\n"
    answer = raw(web.port, data)
    assert status_of(answer) == 400 or b'"bytes":3,' in answer, answer


# --- encodings ------------------------------------------------------------------------------------
def test_gzip_body(web):
    data = b'{"a":1}\n' * 50000
    assert_digest(post(web, gzip.compress(data), ("Content-Encoding", "gzip")), data)


def test_gzip_body_in_members_and_chunks(web):
    packed = gzip.compress(b"one ") + gzip.compress(b"two")
    assert_digest(post(web, (packed[i : i + 1] for i in range(len(packed))), ("Content-Encoding", "gzip")),
                  b"one two")


def test_zstd_body(web):
    assert_digest(post(web, zstd_stored(b"hello"), ("Content-Encoding", "zstd")), b"hello")
    assert_digest(post(web, zstd_zeros(16 * MIB), ("Content-Encoding", "zstd")), bytes(16 * MIB))


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_bomb(web, coding):
    size = 200 * MIB
    bomb = zstd_zeros(size) if coding == "zstd" else gzip.compress(bytes(size))
    assert len(bomb) < MIB
    started = time.monotonic()
    assert_problem(post(web, bomb, ("Content-Encoding", coding)), 413, "too-large")
    assert time.monotonic() - started < 2


def test_compressed_bytes_have_a_ceiling_too(web):
    """Empty members: over 16 MiB of them decode to nothing."""
    members = gzip.compress(b"") * 3000
    pieces = (members for _ in range(17 * MIB // len(members) + 1))
    assert_problem(post(web, pieces, ("Content-Encoding", "gzip")), 413, "too-large")


@pytest.mark.parametrize(
    "coding, data",
    [
        ("gzip", b"not gzip"),
        ("gzip", gzip.compress(b"hello")[:-1]),
        ("gzip", gzip.compress(b"hello") + b"x"),
        ("gzip", b""),
        ("zstd", zstd_stored(b"hello")[:-1]),
        ("zstd", zstd_stored(b"hello") + b"x"),
        ("zstd", b"not zstd"),
    ],
)
def test_damaged_body(web, coding, data):
    assert_problem(post(web, data, ("Content-Encoding", coding)), 400, "malformed")


def test_encoding_that_we_do_not_know(web):
    assert_problem(post(web, b"x", ("Content-Encoding", "br")), 415, "unsupported-media-type")


# --- replies --------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [0, 1, 8191, 8192, 8193, 5 * MIB])
def test_whole_reply(web, size):
    answer = request(web.port, "GET", f"/v1/big?bytes={size}")
    assert answer.status == 200
    assert answer.body == b"x" * size
    assert answer.fields["Content-Length"] == str(size)


def test_streamed_reply(web):
    answer = request(web.port, "GET", f"/v1/events/export?bytes={5 * MIB}")
    assert answer.status == 200
    assert answer.body == b"x" * 5 * MIB


def test_stream_that_breaks_is_not_taken_for_a_whole_one(web):
    if web.kind == "nginx":
        pytest.skip("nginx takes the end of our connection for the end of the reply")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        request(web.port, "GET", f"/v1/events/export?bytes={MIB}&break=1")


def test_client_that_leaves_stops_the_stream(web, echo):
    mine = new_id()
    size = 400 * MIB
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as s:
        s.sendall(
            f"GET /v1/events/export?bytes={size} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: "
            f"{mine}\r\n\r\n".encode()
        )
        assert s.recv(65536)
    line = echo.line(mine)
    assert line["bytes_out"] < 50 * MIB
    assert "web server" in line["error"]


def test_reply_over_the_limit_is_our_fault(web):
    answer = request(web.port, "GET", f"/v1/big?bytes={81 * MIB}")
    assert_problem(answer, 500, "internal")


@pytest.mark.parametrize(
    "code, status, slug",
    [
        (1, 400, "malformed"),
        (2, 401, "unauthenticated"),
        (3, 503, "unavailable"),
        (4, 413, "too-large"),
        (5, 500, "internal"),
        (6, 404, "not-found"),
        (7, 403, "forbidden"),
        (8, 504, "query-timeout"),
        (9, 409, "idempotency-conflict"),
    ],
)
def test_failed_handler(web, echo, code, status, slug):
    mine = new_id()
    answer = request(web.port, "GET", f"/v1/fail/{code}", None, [("X-Request-Id", mine)])
    problem = assert_problem(answer, status, slug)
    assert ("detail" in problem) == (code in (1, 4))  # what a backend said is for the log
    assert echo.line(mine)["error"] == f"failed with {code}"
    assert ("Retry-After" in answer.fields) == (status == 503)


def test_crash_costs_one_request(web):
    assert request(web.port, "GET", "/v1/crash").status >= 500
    started = time.monotonic()
    assert request(web.port, "GET", "/healthz").status == 200
    assert time.monotonic() - started < 1


def test_requests_run_side_by_side(web, echo):
    """As many at once as there are workers."""
    from concurrent.futures import ThreadPoolExecutor

    from echo import WORKERS

    started = time.monotonic()
    with ThreadPoolExecutor(WORKERS) as pool:
        answers = list(pool.map(lambda _: request(web.port, "GET", "/v1/slow?ms=700"), range(WORKERS)))
    assert [a.status for a in answers] == [200] * WORKERS
    assert time.monotonic() - started < 1.4
