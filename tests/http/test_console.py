# SPDX-License-Identifier: Apache-2.0
"""The console without a browser: who gets in, what is refused, what is recorded, what the pages say."""
import concurrent.futures
import contextlib
import re
import time
import urllib.parse
import uuid

import pytest

from annals import wait_until
from console import Console, Page
from postgres import PORT

CSP = ("default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; "
       "frame-ancestors 'none'; base-uri 'none'")


def event(**members):
    return {"action": "document.read", "actor": {"type": "user", "id": "u1"}, **members}


@pytest.fixture
def tenant(annals):
    """A tenant of the test's own, with one event."""
    name = "t-" + uuid.uuid4().hex[:12]
    reply = annals.post(event(entities=[{"type": "document", "id": "d1"}]), token=annals.token(name))
    assert reply.status == 201, reply
    return name


@pytest.fixture
def platform(annals):
    return Console(annals).sign_in("*")


def store(annals, tenant, *events):
    reply = annals.post(list(events), token=annals.token(tenant))
    assert reply.json()["accepted"] == len(events), reply
    return [result["id"] for result in reply.json()["results"]]


# --- signing in -----------------------------------------------------------------------------------
def test_link_survives_previews_and_works_once(annals):
    console = Console(annals)
    path, token = console.link("--tenant", "t1")
    for _ in range(3):  # a mail scanner, a chat preview, the person
        reply = console.get(path)
        assert reply.status == 200
        assert Page(reply.body).inputs["token"] == [token]
        assert "Set-Cookie" not in reply.headers
    assert console.use(token).status == 303
    again = console.use(token)
    assert again.status == 403
    assert "Set-Cookie" not in again.headers


def test_link_used_by_two_at_once_lets_one_in(annals):
    token = Console(annals).link()[1]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        statuses = list(pool.map(lambda _: Console(annals).use(token).status, range(4)))
    assert sorted(statuses) == [303, 403, 403, 403]


def test_link_ends(annals):
    console = Console(annals)
    token = console.link("--ttl", "1s")[1]
    time.sleep(1.1)
    assert console.use(token).status == 403


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 5000, "' OR true --"])
def test_no_link_no_session(annals, token):
    reply = Console(annals).use(token)
    assert reply.status in (400, 403, 413)
    assert "Set-Cookie" not in reply.headers


def test_database_holds_no_secret(annals):
    console = Console(annals)
    unused = console.link()[1]
    console.sign_in()
    secret = console.cookie.split("=", 1)[1]
    dump = str(annals.rows("SELECT l::text FROM annals.login_links AS l")) + \
        str(annals.rows("SELECT s::text FROM annals.sessions AS s"))
    assert unused not in dump and secret not in dump


def test_cookie_over_http(annals):
    console = Console(annals)
    fields = console.use(console.link()[1]).headers["Set-Cookie"].split("; ")
    assert fields[0].startswith("annals-session-")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(fields)
    assert "Secure" not in fields
    assert not any(field.startswith("Domain") for field in fields)


def test_cookie_over_https_is_bound_to_the_host(make_annals):
    stack = make_annals({"http.trusted_proxies": "127.0.0.0/8"})
    console = Console(stack, {"X-Forwarded-Proto": "https"})
    reply = console.use(console.link()[1])
    fields = reply.headers["Set-Cookie"].split("; ")
    assert fields[0].startswith("__Host-annals-session=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(fields)
    console.keep(reply)
    assert console.get("/admin/events").status == 200


def test_login_makes_a_new_session_id(annals):
    console = Console(annals)
    console.sign_in()
    first = console.cookie
    console.sign_in()  # the browser sends the first cookie along
    assert console.cookie != first
    fixed = Console(annals)
    fixed.cookie = first.split("=")[0] + "=" + "B" * 43
    planted = fixed.cookie
    fixed.sign_in()
    assert fixed.cookie != planted


def test_without_a_session(annals, tenant):
    console = Console(annals)
    for cookie in (None, "annals-session=x", f"annals-session-{annals.web.port}=" + "A" * 43):
        console.cookie = cookie
        for path in ("/admin/events", f"/admin/events?tenant={tenant}", "/admin/status",
                     f"/admin/events/{uuid.uuid4()}"):
            reply = console.get(path)
            assert reply.status == 401, path
            assert b"document.read" not in reply.body
        assert console.post("/admin/logout", {"csrf": "x"}).status == 401


def test_link_from_elsewhere_can_be_opened_again(annals):
    """SameSite=Strict keeps the cookie back where another site led here: the page offers the same address."""
    path = "/admin/events?tenant=t1&action=a.b&actor=%21x%26y"
    assert path in Page(Console(annals).get(path).body).links


def test_session_ends_with_time(make_annals):
    stack = make_annals()
    console = Console(stack).sign_in()
    assert console.get("/admin/events").status == 200
    stack.rows("UPDATE annals.sessions SET expires_at = now() - interval '1 second' RETURNING 1")
    assert console.get("/admin/events").status == 401
    Console(stack).sign_in()
    assert stack.rows("SELECT count(*) FROM annals.sessions")[0][0] == 1, \
        "ended sessions are cleared at login"


def test_annalsctl_login_refuses_nonsense(annals):
    for options in (["--tenant", "no spaces"], ["--scope", "audit:everything"], ["--ttl", "1y"],
                    ["--ttl", "2d"],
                    ["--subject", ""], ["extra"], ["--unknown"]):
        done = annals.ctl("login", *options, check=False)
        assert done.returncode == 2, options
        assert done.stdout == "", options


# --- forms ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("headers", [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1"},
    {"Origin": "http:"},
    {"Origin": "http://127.0.0.1:8280.evil.example"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
])
def test_forms_from_elsewhere_are_refused(annals, headers):
    console = Console(annals)
    token = console.link()[1]
    refused = console.use(token, headers)
    assert refused.status == 403
    assert "Set-Cookie" not in refused.headers
    console.keep(console.use(token))  # the link was not used up
    refused = console.post("/admin/logout", {"csrf": console.csrf()}, headers)
    assert refused.status == 403
    assert console.get("/admin/events").status == 200


def test_logout_needs_the_sessions_own_token(annals):
    console = Console(annals).sign_in()
    other = Console(annals).sign_in()
    good = console.csrf()
    for fields in ({}, {"csrf": ""}, {"csrf": "A" * 43}, {"csrf": other.csrf()}, {"csrf": good[:-1]},
                   {"csrf": good + "A"}, {"x": good}):
        assert console.post("/admin/logout", fields).status in (400, 403), fields
        assert console.get("/admin/events").status == 200, fields
    assert console.get("/admin/logout?csrf=" + good).status == 405


def test_logout_ends_the_session_at_the_server(annals):
    console = Console(annals).sign_in()
    csrf, cookie = console.csrf(), console.cookie
    origin = f"http://127.0.0.1:{annals.web.port}"
    reply = console.post("/admin/logout", {"csrf": csrf}, {"Origin": origin, "Sec-Fetch-Site": "same-origin"})
    assert reply.status == 303
    assert "Max-Age=0" in reply.headers["Set-Cookie"]
    console.cookie = cookie  # somebody kept it
    assert console.get("/admin/events").status == 401
    assert "Signed out" in Page(console.get(reply.headers["Location"]).body).text


def test_forms_of_the_public_url_are_ours(annals):
    """Behind a proxy that changes Host, the page's origin is admin.public_url (the default here)."""
    console = Console(annals)
    assert console.use(console.link()[1], {"Origin": "http://127.0.0.1:8280"}).status == 303


def test_what_is_no_form_is_refused(annals):
    console = Console(annals)
    reply = console.request("POST", "/admin/login", b'{"token":"x"}', {"Content-Type": "application/json"})
    assert reply.status == 400
    assert console.post("/admin/login", {"token": "x" * 10000}).status in (400, 413)


# --- whose events ---------------------------------------------------------------------------------
def test_another_tenants_event_does_not_exist(annals, tenant):
    [theirs] = store(annals, "victim", event(action="secret.act"))
    console = Console(annals).sign_in(tenant)
    absent = console.get(f"/admin/events/{uuid.uuid4()}")
    reply = console.get(f"/admin/events/{theirs}")
    assert reply.status == absent.status == 404
    strip = [page.body.replace(page.headers["X-Request-Id"].encode(), b"") for page in (reply, absent)]
    assert strip[0] == strip[1]
    for path in ("/admin/events?tenant=victim", f"/admin/events/{theirs}?tenant=victim",
                 "/admin/status?tenant=victim"):
        reply = console.get(path)
        assert reply.status == 403, path
        assert b"secret.act" not in reply.body
    assert b"secret.act" not in console.get("/admin/events?action=secret.*").body
    assert "victim" not in Page(console.get("/admin/events").body).text, \
        "nor is the list of tenants for everybody"


def test_another_tenants_cursor_is_refused(annals, tenant, platform):
    store(annals, "victim", *[event() for _ in range(3)])
    [link] = [link for link in platform.page("/admin/events?tenant=victim&limit=1").links if link
              and "cursor=" in link]
    cursor = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["cursor"][0]
    console = Console(annals).sign_in(tenant)
    assert console.get("/admin/events?"
                       + urllib.parse.urlencode({"limit": 1, "cursor": cursor})).status == 400


def test_platform_chooses_a_tenant(annals, tenant, platform):
    page = platform.page("/admin/events")
    assert f"/admin/events?tenant={tenant}" in page.links
    assert not page.links_to("/admin/events/")
    assert len(platform.page(f"/admin/events?tenant={tenant}").links_to("/admin/events/")) == 1
    assert platform.get("/admin/events?tenant=no%20tenant").status == 403


def test_scopes(annals, tenant):
    assert Console(annals).sign_in(tenant, scopes=["audit:write"]).get("/admin/events").status == 403
    reader = Console(annals).sign_in("*", scopes=["audit:read"])
    assert reader.get(f"/admin/events?tenant={tenant}").status == 200
    assert reader.get("/admin/status").status == 403
    assert Console(annals).sign_in(tenant).get("/admin/status").status == 403, \
        "a tenant must not see the others' sizes"


# --- the list -------------------------------------------------------------------------------------
def test_filters_are_the_urls(annals, tenant):
    store(annals, tenant, event(action="role.grant", outcome="denied", metadata={"region": "north"}),
          event(action="role.revoke"))
    console = Console(annals).sign_in(tenant)
    page = console.page("/admin/events?action=role.*&outcome=denied")
    assert len(page.links_to("/admin/events/")) == 1
    assert page.inputs["action"] == ["role.*"]
    assert page.inputs["selected"] == ["denied"]
    assert "/admin/events?outcome=denied" in page.links, "a chip takes away one filter"
    assert "/admin/events?action=role.%2A" in page.links
    assert len(console.page("/admin/events?outcome=!success").links_to("/admin/events/")) == 1
    page = console.page("/admin/events?action=role.grant&action=role.revoke&metadata.region=north")
    assert len(page.links_to("/admin/events/")) == 1
    assert sorted(page.inputs["action"]) == ["role.grant", "role.revoke"], \
        "the second one is kept as a hidden field"
    assert page.inputs["metadata.region"] == ["north"]


def test_a_forms_empty_fields_leave_the_url(annals, tenant):
    console = Console(annals).sign_in(tenant)
    reply = console.get("/admin/events?action=document.*&actor=&from=2026-01-02T03%3A04&to=&outcome="
                        "&metadata_path=a.b&metadata_value=x&limit=")
    assert reply.status == 303
    query = urllib.parse.parse_qsl(urllib.parse.urlsplit(reply.headers["Location"]).query)
    assert query == [("action", "document.*"), ("from", "2026-01-02T03:04:00Z"), ("metadata.a.b", "x")]


def test_presets(annals, tenant):
    console = Console(annals).sign_in(tenant)
    presets = [link for link in console.page("/admin/events?action=a.b").links if link and "last=" in link]
    assert len(presets) == 4
    assert all("action=a.b" in link for link in presets)
    reply = console.get(presets[0])
    assert reply.status == 303
    assert "from=2" in reply.headers["Location"] and "last" not in reply.headers["Location"]


@pytest.mark.parametrize("query, named",
                         [("colour=red", "colour"), ("from=yesterday", "from"), ("ip=x", "ip"),
                                          ("limit=0", "limit"), ("limit=100000", "limit"),
                          ("last=soon", "last"),
                                          ("order=up", "order"), ("id=1", "id")])
def test_a_wrong_filter_is_named(annals, tenant, query, named):
    reply = Console(annals).sign_in(tenant).get("/admin/events?" + query)
    assert reply.status == 400
    page = Page(reply.body)
    assert named in page.text
    assert any(values.get("role") == "alert" for _, values in page.tags)
    assert "action" in page.inputs, "the form stays, to be mended"


def test_paging_shows_each_event_once(annals, tenant):
    wanted = set(store(annals, tenant, *[event(action=f"page.n{n}") for n in range(7)]))
    console = Console(annals).sign_in(tenant)
    for order in ("", "&order=asc"):
        seen, path = [], "/admin/events?action=page.*&limit=3" + order
        while path:
            page = console.page(path)
            seen += [urllib.parse.urlsplit(link).path.rsplit("/", 1)[1]
                     for link in page.links_to("/admin/events/")]
            nexts = [values["href"] for tag,
                     values in page.tags if tag == "a" and values.get("rel") == "next"]
            path = nexts[0] if nexts else None
        assert len(seen) == 7 and set(seen) == wanted
    assert "end of the list" in page.text


def test_histogram_counts_by_outcome(annals, tenant):
    store(annals, tenant, *[event(action="h.a") for _ in range(3)], event(action="h.b", outcome="failure"))
    page = Console(annals).sign_in(tenant).page("/admin/events?action=h.*&last=24h")
    assert "4 events in this range, by hour" in page.text
    assert {values["class"] for tag, values in page.tags if tag == "rect"} == {"hit", "success", "failure"}
    bars = [link for link in page.links if link and "from=" in link and "to=" in link]
    assert any(len(Console(annals).sign_in(tenant).page(link).links_to("/admin/events/")) == 4
               for link in bars[-2:])
    assert not any(" style=" in str(tag) for tag in page.tags)


def test_empty_states_are_honest(annals):
    name = "t-" + uuid.uuid4().hex[:12]
    console = Console(annals).sign_in(name)
    page = console.page("/admin/events")
    assert "No events yet" in page.text and "curl" in page.text and "/v1/events" in page.text
    page = console.page("/admin/events?action=no.such")
    assert "No event matches" in page.text and "/admin/events" in page.links


def test_curl_line_asks_the_same(annals, tenant, platform):
    page = platform.page(f"/admin/events?tenant={tenant}&action=document.*&actor=u%27%20%24x")
    assert "-H 'Annals-Tenant: " + tenant in page.text
    assert "/v1/events?action=document.%2A&actor=u%27%20%24x'" in page.text


# --- one event ------------------------------------------------------------------------------------
def test_event_page_shows_everything_as_it_was_sent(annals, tenant):
    body = ('{"action":"limit.change","actor":{"type":"user","id":"u:7","name":"Ada '
            'L.","email":"a@x.example"},'
            '"entities":[{"type":"limit","id":"l1","name":"Upload"},{"type":"team","id":"te:1"}],'
            '"outcome":"failure","description":"why \\u0026 how","context":{"ip":"2001:db8::1","shell":"sh"},'
            '"changes":[{"path":"/max","old":1.10,"new":12345678901234567890.12},{"path":"/a","new":"1"},'
            '{"path":"/b","old":null}],"metadata":{"n":1e2,"deep":{"x":[1.0]},"odd":"!x"}}')
    event_id = annals.post(body, token=annals.token(tenant)).json()["id"]
    page = Console(annals).sign_in(tenant).page(f"/admin/events/{event_id}")
    for text in ("Ada L. tried limit.change on limit Upload and 1 more and failed", "1.10",
                 "12345678901234567890.12",
                 "not set", '"1"', "why & how", '"why \\u0026 how"', "actor.email a@x.example",
                 "context.shell sh",
                 "1e2", '"x": [ 1.0 ]', event_id):
        assert text in page.text, text
    digest = annals.rows("SELECT encode(digest, 'hex') FROM annals.events WHERE id = %s", event_id)[0][0]
    assert digest in page.text
    for link in ("/admin/events?actor_type=user&actor_id=u%3A7",
                 "/admin/events?entity_type=limit&entity_id=l1",
                 "/admin/events?entity_type=team&entity_id=te%3A1", "/admin/events?action=limit.change",
                 "/admin/events?ip=2001%3Adb8%3A%3A1", "/admin/events?metadata.odd=%5C%21x",
                 "/admin/events?metadata.n=1e2"):
        assert link in page.links, link


def test_related_links_find_the_event(annals, tenant):
    [event_id] = store(annals, tenant, event(actor={"type": "a:b", "id": "!x"}, context={"ip": "192.0.2.1"},
                                             entities=[{"type": "c:d", "id": "\\y"}],
                                             metadata={"m": "!z", "n": 1.5}))
    console = Console(annals).sign_in(tenant)
    links = set(console.page(f"/admin/events/{event_id}").links_to("/admin/events")) - {"/admin/events"}
    assert len(links) >= 6
    for link in links:
        assert f"/admin/events/{event_id}" in console.page(link).links, link


@pytest.mark.parametrize("arg",
                         ["x", "00000000-0000-0000-0000-000000000000", "%00", "..", "%2e%2e", "a%2Fb", "%FF"])
def test_no_such_event(annals, tenant, arg):
    assert Console(annals).sign_in(tenant).get(f"/admin/events/{arg}").status in (400, 404)


XSS = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "'><svg onload=alert(1)>",
       "</title><script>",
       "javascript:alert(1)", "{{subject}}", "{{{csrf}}}", "&lt;script&gt;",
       "</pre></code><script>alert(1)</script>",
       "<!--", "]]>", "\u2028alert(1)"]


def nasty(text):
    return event(actor={"type": text, "id": text, "name": text, text[:20]: text},
                 entities=[{"type": text, "id": text, "name": text, "x": {text[:20]: text}}],
                 description=text,
                 context={"user_agent": text, "request_id": text},
                 changes=[{"path": text, "old": text, "new": [text]}],
                 metadata={text: text, "list": [text]})


@pytest.mark.parametrize("text", XSS)
def test_what_events_say_is_text(annals, text):
    name = "t-" + uuid.uuid4().hex[:12]
    [event_id] = store(annals, name, nasty(text))
    console = Console(annals).sign_in(name)
    plain = set(tag for tag, _ in Page(console.get("/admin/events?order=asc").body).tags)
    for path in ("/admin/events", f"/admin/events/{event_id}",
                 "/admin/events?" + urllib.parse.urlencode({"actor_id": text, "metadata." + text: text,
                                                            "action": text}),
                 "/admin/events?" + urllib.parse.urlencode({text: text}),
                 "/admin/login?" + urllib.parse.urlencode({"token": text, "again": text})):
        reply = console.get(path)
        assert reply.status in (200, 303, 400), path
        page = Page(reply.body)
        for tag, values in page.tags:
            assert not any(key.startswith("on") for key in values), (path, tag, values)
            assert not str(values.get("href", "")).startswith("javascript"), (path, tag, values)
            assert tag != "img" or values["src"].startswith("/admin/static/")
        assert [values for tag, values in page.tags if tag == "script"] in ([], [
            {"src": values["src"], "defer": None} for tag, values in page.tags if tag == "script"][:1])
    assert plain <= {tag for tag, _ in page.tags} | plain


def test_what_an_eye_cannot_see_is_marked(annals, tenant):
    [event_id] = store(annals, tenant,
                       event(actor={"type": "user", "id": "ad\u200bmin", "name": "\u202eadmin\u2066"},
                                             description="a\u0007b\u001b[31m"))
    console = Console(annals).sign_in(tenant)
    assert "U+202E" in console.page("/admin/events").marks
    page = console.page(f"/admin/events/{event_id}")
    assert {"U+202E", "U+2066", "U+200B", "U+0007", "U+001B"} <= set(page.marks)
    # The link still finds the actor: only what is shown is changed.
    assert "/admin/events?actor_type=user&actor_id=ad%E2%80%8Bmin" in page.links


# --- around the pages -----------------------------------------------------------------------------
def test_every_page_has_the_headers(annals, tenant):
    [event_id] = store(annals, tenant, event())
    console = Console(annals).sign_in("*")
    for path, status in (("/admin/events", 200), (f"/admin/events?tenant={tenant}", 200),
                         ("/admin/status", 200),
                         (f"/admin/events/{event_id}?tenant={tenant}", 200), ("/admin/login", 200),
                         ("/admin/", 303),
                         ("/admin", 303), ("/admin/nothing", 404), ("/admin/events/x", 303),
                         (f"/admin/events?tenant={tenant}&x=1", 400)):
        for method in ("GET", "HEAD"):
            reply = console.request(method, path)
            assert reply.status == status, path
            assert reply.headers["Content-Security-Policy"] == CSP, path
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
            assert reply.headers["Referrer-Policy"] == "same-origin"
            assert reply.headers["Cache-Control"] == "no-store"
            assert status == 303 or reply.headers["Content-Type"] == "text/html; charset=utf-8"
            assert method == "GET" or reply.body == b""


def test_static_files(annals):
    console = Console(annals)
    page = Page(console.get("/admin/login").body)
    urls = [values.get("href") or values.get("src") for tag,
            values in page.tags if tag in ("link", "script", "img")]
    assert len(urls) >= 3
    types = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
    for url in urls:
        reply = console.get(url)
        path = urllib.parse.urlsplit(url).path
        assert reply.status == 200
        assert reply.headers["Content-Type"].startswith(types[path.rsplit(".", 1)[1]])
        assert "immutable" in reply.headers["Cache-Control"]
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
        etag = reply.headers["ETag"]
        for other in (path, path + "?v=old"):
            assert console.get(other).headers["Cache-Control"] == "no-cache", "another build's address"
        same = console.get(path, {"If-None-Match": etag})
        assert same.status == 304 and same.body == b""
    for name in ("nothing.css", "..%2Fannals.conf", "annals.css%00", "ANNALS.CSS", ""):
        assert console.get("/admin/static/" + name).status in (400, 404), name


def test_errors_are_pages(annals):
    console = Console(annals).sign_in("*")
    for method, path, status in (("GET", "/admin/nothing", 404), ("GET", "/admin/a/b/c", 404),
                                 ("DELETE", "/admin/events", 405), ("POST", "/admin/events", 405),
                                 ("GET", "/admin/logout", 405)):
        reply = console.request(method, path)
        assert reply.status == status, path
        page = Page(reply.body)
        assert str(status) in page.text and reply.headers["X-Request-Id"] in page.text


def test_status_page(annals, tenant, platform):
    page = platform.page("/admin/status")
    for text in ("PostgreSQL 1", "all applied", "events_20", "Outbox rows", "ingest", "limits.event_bytes",
                 "64 KiB"):
        assert text in page.text.replace("64.0", "64"), text
    for secret in ("host=", "password", "dbname="):
        assert secret not in page.text


def test_status_page_shows_the_last_rounds(annals, platform):
    annals.run_job("partition")
    with contextlib.closing(annals.db("job")) as db, db.cursor() as sql:
        sql.execute("""INSERT INTO annals.job_runs (job, started_at, finished_at, succeeded,
                                                    message, removed_rows,
                                                    freed_bytes)
                       VALUES ('other', now(), '2026-01-02 03:04:05Z', false,
                               'no <b>lock</b>', 1234567, 3 << 20)""")
    try:
        text = platform.page("/admin/status").text
    finally:
        with contextlib.closing(annals.db()) as db, db.cursor() as sql:
            sql.execute("DELETE FROM annals.job_runs WHERE job = 'other'")
    assert "annals-other 2026-01-02 03:04:05 failed no <b>lock</b> 1,234,567 3.0 MiB" in text
    assert re.search(r"annals-partition \d{4}-\d\d-\d\d \d\d:\d\d:\d\d 0 created, 0 dropped .* 0 0 B", text)


def test_status_page_shows_the_rounds_of_each_shard(make_annals):
    annals = make_annals()
    with contextlib.closing(annals.db()) as db, db.cursor() as sql:
        for name, place in (("big", f"dbname={annals.database} host={annals.cluster.folder} port={PORT}"),
                            ("gone", "host=/nowhere port=1")):
            sql.execute("INSERT INTO annals.shards (name, primary_conninfo) VALUES (%s, %s)", (name, place))
    text = Console(annals).sign_in("*").page("/admin/status").text
    assert all(re.search(rf"annals-partition shard {name} \d{{4}}-", text) for name in ("default", "big"))
    assert "shard gone failed cannot be asked now" in text


# --- who looks is recorded ------------------------------------------------------------------------
def own_events(annals, subject):
    reply = annals.get("/v1/events?"
                       + urllib.parse.urlencode({"actor": "console:" + subject, "order": "asc"}),
                       token=annals.token("*"), headers={"Annals-Tenant": "annals"})
    assert reply.status == 200, reply
    return reply.json()["events"]


def test_who_looks_is_recorded(annals, tenant):
    [event_id] = store(annals, tenant, event())
    subject = "s-" + uuid.uuid4().hex[:8]
    console = Console(annals, {"User-Agent": "test \u00e9 \"agent\"".encode().decode("latin-1")})
    console.sign_in(tenant, subject)
    console.page("/admin/events?action=document.*")
    console.page(f"/admin/events/{event_id}")
    console.post("/admin/logout", {"csrf": console.csrf()})
    events = own_events(annals, subject)
    assert [e["action"] for e in events] == ["annals.console." + what for what in
                                             ("login", "search", "read", "search", "logout")]
    for e in events:
        assert {"type": "tenant", "id": tenant} in e["entities"]
        assert e["context"]["ip"] == "127.0.0.1" and e["context"]["request_id"]
    assert events[1]["metadata"]["query"] == "action=document.%2A"
    assert {"type": "event", "id": event_id} in events[2]["entities"]


def test_what_cannot_be_recorded_is_not_shown(make_annals):
    stack = make_annals()
    [event_id] = store(stack, "t1", event(action="hidden.act"))
    console = Console(stack).sign_in("t1")
    late = console.link()[1]
    assert b"hidden.act" in console.get("/admin/events").body
    csrf = console.csrf()
    sessions = stack.rows("SELECT count(*) FROM annals.sessions")
    with contextlib.closing(stack.db()) as conn, conn.cursor() as cursor:
        cursor.execute("REVOKE INSERT ON annals.events FROM annals_writer")
        try:
            for path in ("/admin/events", f"/admin/events/{event_id}"):
                reply = console.get(path)
                assert reply.status == 503, path
                assert b"hidden.act" not in reply.body
                assert "Retry-After" in reply.headers
            refused = console.use(late)
            assert refused.status == 503 and "Set-Cookie" not in refused.headers
            assert stack.rows("SELECT count(*) FROM annals.sessions") == sessions, \
                "a login that left no trace"
        finally:
            cursor.execute("GRANT INSERT ON annals.events TO annals_writer")
    assert b"hidden.act" in console.get("/admin/events").body
    assert console.post("/admin/logout", {"csrf": csrf}).status == 303


def test_without_a_database(make_annals):
    stack = make_annals(own_cluster=True)
    store(stack, "t1", event())
    console = Console(stack).sign_in("t1")
    assert console.get("/admin/events").status == 200
    stack.cluster.stop()
    try:
        reply = console.get("/admin/events")
        assert reply.status == 503
        assert "Retry-After" in reply.headers
        assert "database" in Page(reply.body).text
        assert console.get("/admin/login").status == 200
    finally:
        stack.cluster.start()
    # Each worker finds out for itself, once for each of its connections.
    wait_until("the console is back",
               lambda: all(console.get("/admin/events").status == 200 for _ in range(4)), 10)
