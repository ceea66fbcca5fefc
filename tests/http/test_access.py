# SPDX-License-Identifier: Apache-2.0
"""Who gets past the request loop, and whose data a handler is told to serve."""

from client import new_id, request


def whoami(web, token=None, *more):
    fields = list(more)
    if token is not None:
        fields.append(("Authorization", token))
    return request(web.port, "GET", "/v1/whoami", None, fields)


def bearer(echo, tenant, scope):
    return "Bearer " + echo.issuer.token(tenant, scope)


def test_no_token(web):
    answer = whoami(web)
    assert answer.status == 401
    assert answer.fields["WWW-Authenticate"] == "Bearer"
    assert answer.json()["type"] == "/problems/unauthenticated"


def test_bad_token(web, echo):
    mine = new_id()
    answer = whoami(web, "Bearer x.y.z", ("X-Request-Id", mine))
    assert answer.status == 401
    assert answer.fields["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert "x.y.z" not in answer.body.decode()
    assert echo.line(mine)["error"]  # the reason is for the log


def test_scope_that_is_missing(web, echo):
    answer = whoami(web, bearer(echo, "demo", "audit:write"))
    assert answer.status == 403
    assert "audit:read" in answer.json()["detail"]
    assert answer.fields["WWW-Authenticate"] == 'Bearer error="insufficient_scope", scope="audit:read"'


def test_admin_may_read(web, echo):
    assert whoami(web, bearer(echo, "demo", "audit:admin")).json()["tenant"] == "demo"


def test_tenant_of_the_token(web, echo):
    token = bearer(echo, "demo", "audit:read")
    assert whoami(web, token).json()["tenant"] == "demo"
    assert whoami(web, token, ("Annals-Tenant", "demo")).json()["tenant"] == "demo"
    answer = whoami(web, token, ("Annals-Tenant", "acme"))
    assert answer.status == 403
    assert answer.json()["type"] == "/problems/forbidden"


def test_platform_names_a_tenant(web, echo):
    token = bearer(echo, "*", "audit:read")
    assert whoami(web, token, ("Annals-Tenant", "acme")).json()["tenant"] == "acme"
    for fields, code in ([], "required"), ([("Annals-Tenant", "no/tenant")],
                                           "format"), ([("Annals-Tenant", "*")], "format"):
        answer = whoami(web, token, *fields)
        assert answer.status == 400
        assert answer.json()["errors"][0] == {
            "header": "Annals-Tenant",
            "code": code,
            "detail": answer.json()["detail"],
        }


def test_access_before_query(web):
    """A stranger learns nothing, not even that his query is malformed."""
    assert request(web.port, "GET", "/v1/whoami?a=%zz").status in (400, 401)


def test_log_line_of_a_request(web, echo):
    mine = new_id()
    whoami(web, bearer(echo, "demo", "audit:read"), ("X-Request-Id", mine))
    line = echo.line(mine)
    assert line["method"] == "GET"
    assert line["route"] == "/v1/whoami"
    assert (line["tenant"], line["subject"], line["status"]) == ("demo", "tester", 200)
    assert line["bytes_out"] > 0 and line["us"] > 0
    assert "Bearer" not in str(line) and "error" not in line
