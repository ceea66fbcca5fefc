# SPDX-License-Identifier: Apache-2.0
"""The console in Chromium: the way through it, with and without a mouse, scripts, width and light."""
import json
import urllib.parse
import uuid

import pytest
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

LONG = "Donaudampfschifffahrtsgesellschaft" * 7


def event(**members):
    return {"action": "document.read", "actor": {"type": "user", "id": "u1", "name": "Ada"}, **members}


def store(annals, *events):
    """In a new tenant: its name and the events' ids."""
    tenant = "b-" + uuid.uuid4().hex[:12]
    reply = annals.post(list(events), token=annals.token(tenant))
    assert reply.json()["accepted"] == len(events), reply
    return tenant, [result["id"] for result in reply.json()["results"]]


def varied():
    """Something for every part of every page, with values that are long and without blanks."""
    return [event(action="document.update", outcome=outcome, description=LONG,
                  entities=[{"type": "document", "id": LONG[:200], "name": LONG},
                            {"type": "team", "id": "t1"},
                            {"type": "team", "id": "t2"}],
                  context={"ip": "2001:db8:1234:5678:9abc:def0:1234:5678", "user_agent": LONG},
                  changes=[{"path": "/title", "old": "the old " + LONG, "new": "the new " + LONG},
                           {"path": "/" + LONG, "new": {"a": [1.10, LONG]}}],
                  metadata={LONG: LONG, "small": 1.50})
            for outcome in ("success", "failure", "denied", "unknown")]


PAGES = ("/admin/events", "/admin/events?action=document.*&actor=%21" + LONG,
         "/admin/events?action=none.such",
         "/admin/events?from=yesterday", "EVENT", "/admin/login", "/admin/nothing")


def paths(ids):
    return [f"/admin/events/{ids[0]}" if path == "EVENT" else path for path in PAGES]


# --- the way through ------------------------------------------------------------------------------
def walk(browser, tenant):
    browser.sign_in(tenant)
    assert len(browser.all(".events tbody tr")) == 2
    field = browser.one("#f-action")
    field.send_keys("document.update", Keys.ENTER)
    browser.wait(lambda: "action=document.update" in browser.driver.current_url)
    assert "outcome" not in browser.driver.current_url, "empty fields stay out of the address"
    assert len(browser.all(".events tbody tr")) == 1
    browser.one(".events tbody th a").click()
    browser.wait(lambda: browser.all("table.changes"))
    assert "the old title" in browser.one("table.changes del").text
    assert "the new title" in browser.one("table.changes ins").text
    assert browser.one("table.changes del b").text == "old"
    assert "Ada performed document.update on document d1" in browser.text(".sentence")
    same_actor = [a for a in browser.all(".links a") if a.text == "Same actor"][0]
    same_actor.click()
    browser.wait(lambda: "actor_id=u1" in browser.driver.current_url)
    assert len(browser.all(".events tbody tr")) == 2
    browser.one(".chip").click()
    browser.wait(lambda: "actor_type" not in browser.driver.current_url)
    browser.one(".sign-out button").click()
    browser.wait(lambda: "Signed out" in browser.text())


TWO = (event(), event(action="document.update", entities=[{"type": "document", "id": "d1"}],
                      changes=[{"path": "/title", "old": "the old title", "new": "the new title"}]))


def test_from_link_to_event_and_out(annals, browser):
    walk(browser, store(annals, *TWO)[0])
    assert browser.problems() == []


def test_the_same_without_scripts(annals, plain_browser):
    plain_browser.fresh()
    tenant, _ = store(annals, *TWO)
    walk(plain_browser, tenant)
    plain_browser.sign_in(tenant)
    assert not [b for b in plain_browser.all("[data-copy], [data-zone]") if b.is_displayed()], \
        "buttons that need a script are not shown without"
    Select(plain_browser.one("#f-outcome")).select_by_visible_text("failure")
    plain_browser.one(".filters button").click()
    plain_browser.wait(lambda: "outcome=failure" in plain_browser.driver.current_url)
    assert "No event matches" in plain_browser.text()
    plain_browser.one(".empty a").click()
    plain_browser.wait(lambda: plain_browser.all(".events tbody tr"))
    plain_browser.one(".more summary").click()
    assert plain_browser.one("#f-id").is_displayed()


def test_platform_switches_tenants(annals, browser):
    tenant, _ = store(annals, event())
    browser.sign_in()
    Select(browser.one("#tenant-select")).select_by_value(tenant)
    browser.one(".tenant button").click()
    browser.wait(lambda: f"tenant={tenant}" in browser.driver.current_url)
    browser.one(".events tbody th a").click()
    browser.wait(lambda: browser.all(".event"))
    assert f"tenant={tenant}" in browser.driver.current_url
    browser.one(".main-nav a[href*=status]").click()
    browser.wait(lambda: "Partitions ready until" in browser.text())


def across(browser, tenants):
    """By keyboard alone: choose all tenants, read the list, open an event of one."""
    browser.sign_in()
    link = browser.one(".tenant-list a")
    assert link.text == "all tenants"
    link.send_keys(Keys.ENTER)
    browser.wait(lambda: "Events of all tenants" in browser.text("h1"))
    field = browser.one("#f-action")
    field.send_keys("across." + tenants[0], Keys.ENTER)
    browser.wait(lambda: "action=across" in browser.driver.current_url)
    assert browser.driver.current_url.count("tenant=") == 1
    assert sorted(cell.text for cell in browser.all("td[data-label=Tenant]")) == sorted(tenants)
    browser.one(".events tbody th a").send_keys(Keys.ENTER)
    browser.wait(lambda: browser.all(".event"))
    assert browser.one("#tenant-select").get_attribute("value") in tenants


def two_tenants(annals):
    first, _ = store(annals, event())
    second, _ = store(annals, event())
    for tenant in (first, second):
        assert annals.post(event(action="across." + first), token=annals.token(tenant)).status == 201
    return [first, second]


def test_all_tenants_by_keyboard(annals, browser):
    across(browser, two_tenants(annals))
    assert browser.problems() == []


def test_all_tenants_without_scripts(annals, plain_browser):
    plain_browser.fresh()
    across(plain_browser, two_tenants(annals))


def test_a_bar_narrows_the_range(annals, browser):
    tenant, _ = store(annals, event(), event(outcome="denied"))
    browser.sign_in(tenant).go("/admin/events?last=24h")
    browser.one(".numbers summary").click()
    browser.one(".numbers tbody a").click()
    browser.wait(lambda: "to=" in browser.driver.current_url)
    assert len(browser.all(".events tbody tr")) == 2
    assert len(browser.all("svg rect.denied")) == 1
    assert browser.problems() == []


# --- nothing that an event says runs --------------------------------------------------------------
PAYLOADS = [
    "<script>window.pwned=1;alert(1)</script>", "\"><script>window.pwned=1;alert(1)</script>",
    "<img src=x onerror=\"window.pwned=1;alert(1)\">", "' onmouseover='window.pwned=1;alert(1)' x='",
    "\" autofocus onfocus=\"window.pwned=1;alert(1)", "<svg onload=\"window.pwned=1;alert(1)\">",
    "</pre></code></td></table><iframe srcdoc='<script>parent.pwned=1</script>'>", "javascript:alert(1)",
    "</title><script>window.pwned=1</script>", "{{{subject}}}{{&csrf}}", "<base href=//evil.example/>",
    "<style>*{display:none}</style>", "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<!-- <form> -->",
    "\u2028window.pwned=1;alert(1)", "&#60;script&#62;window.pwned=1&#60;/script&#62;",
]


def nasty(text):
    return event(actor={"type": text, "id": text, "name": text, "email": text},
                 entities=[{"type": text, "id": text, "name": text, "x": {text: text}}], description=text,
                 context={"user_agent": text, "request_id": text, text: text},
                 changes=[{"path": text, "old": text, "new": [text]}, {"path": "/" + text, "new": text}],
                 metadata={text: text, "list": [text]})


def test_events_that_attack_are_only_text(annals, browser):
    tenant, ids = store(annals, *[nasty(text) for text in PAYLOADS])
    queries = ["?" + urllib.parse.urlencode({"actor_id": text, "metadata." + text: text})
               for text in PAYLOADS]
    browser.sign_in(tenant)
    for path in ["/admin/events"] + [f"/admin/events/{event_id}" for event_id in ids] + \
            ["/admin/events" + query for query in queries]:
        browser.go(path)
        assert browser.alert() is None, path
        assert browser.run("return window.pwned === undefined"), path
        assert browser.one("main").is_displayed(), path
        assert urllib.parse.urlsplit(browser.driver.current_url).netloc == f"127.0.0.1:{annals.web.port}"
        assert [p for p in browser.problems() if "400 (Bad Request)" not in p] == [], path
    browser.go("/admin/events")
    for text in (PAYLOADS[0], PAYLOADS[5]):
        assert text in browser.text(".events") or text[:60] in browser.text(".events")


def test_the_policy_would_stop_what_got_through(annals, browser):
    """The control of the test above: a script in the page is blocked, and the browser says so."""
    tenant, _ = store(annals, event())
    browser.sign_in(tenant)
    browser.run("const s = document.createElement('script'); s.textContent = 'window.pwned = 1';"
                "document.body.append(s); document.body.setAttribute('style', 'color: red');")
    assert browser.run("return window.pwned === undefined")
    assert any("Content Security Policy" in problem for problem in browser.problems())


# --- without a mouse ------------------------------------------------------------------------------
def test_keyboard_alone(annals, browser):
    tenant, ids = store(annals, *[event() for _ in range(3)])
    browser.sign_in(tenant).go("/admin/events?limit=2")
    browser.tab()
    assert browser.focused().get_attribute("class") == "skip"
    reached = []
    for _ in range(60):
        browser.tab()
        at = browser.focused()
        reached.append(at.get_attribute("id") or at.get_attribute("rel") or
                       (at.get_attribute("href") or at.get_attribute("class") or at.text).split("?")[0])
        if at.tag_name == "body":
            break
    for wanted in ("f-action", "f-actor", "f-entity", "f-outcome", "f-ip", "f-from", "f-to", "next"):
        assert wanted in reached, wanted
    rows = [place for place in reached if place.rsplit("/", 1)[-1] in ids]
    assert len(rows) == 2
    assert reached.index("f-action") < reached.index(rows[0]) < reached.index("next"), \
        "in the order of reading"
    assert not browser.run("return Array.from(document.querySelectorAll('[tabindex]')).some(e => "
                           "e.tabIndex > 0)")

    browser.go("/admin/events?limit=2")
    browser.tab()
    browser.press(Keys.ENTER)  # skip to content
    assert browser.driver.current_url.endswith("#main")
    browser.press("/")
    assert browser.focused().get_attribute("id") == "f-action"
    browser.press("j", "k")
    assert browser.focused().get_attribute("value") == "jk", "keys are letters inside of a field"
    browser.run("document.activeElement.blur()")
    browser.press("j", "j", "k")
    first = browser.focused().get_attribute("href")
    browser.press(Keys.ENTER)
    browser.wait(lambda: browser.driver.current_url == first)


def test_focus_is_visible(annals, browser):
    tenant, ids = store(annals, *varied())
    browser.sign_in(tenant)
    for path in ("/admin/events", f"/admin/events/{ids[0]}"):
        browser.go(path)
        for _ in range(12):
            browser.tab()
            outline = browser.run("const s = getComputedStyle(document.activeElement);"
                                  "return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2")
            assert outline, browser.focused().get_attribute("outerHTML")


# --- every width, every light ---------------------------------------------------------------------
@pytest.mark.parametrize("width", [320, 640, 1024])
def test_no_page_scrolls_sideways(annals, browser, width):
    tenant, ids = store(annals, *varied())
    browser.sign_in(tenant)
    browser.resize(width, 800)
    for path in paths(ids):
        browser.go(path)
        browser.run("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert browser.run("return document.documentElement.scrollWidth") <= width, path
    browser.sign_in("*")
    browser.go("/admin/status")
    assert browser.run("return document.documentElement.scrollWidth") <= width


CONTRAST = """
function channel(v) { v /= 255; return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); }
function luminance(c) { return 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]); }
function parse(text) { const m = text.match(/[\\d.]+/g).map(Number); return m.length < 4 ? m.concat(1) : m; }
function ground(e) {
    for (; e; e = e.parentElement) {
        const c = parse(getComputedStyle(e).backgroundColor);
        if (c[3] === 1) return c;
    }
    return [255, 255, 255, 1];
}
const found = new Set();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
    const e = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !e.checkVisibility()
        || e.closest('.visually-hidden, svg, .skip')) continue;
    const text = luminance(parse(getComputedStyle(e).color)), back = luminance(ground(e));
    const ratio = (Math.max(text, back) + 0.05) / (Math.min(text, back) + 0.05);
    if (ratio < 4.5) found.add(e.tagName + '.' + e.className + ' ' + ratio.toFixed(2));
}
return Array.from(found);
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(annals, browser, scheme):
    tenant, ids = store(annals, *varied())
    browser.sign_in(tenant)
    browser.scheme(scheme)
    dark = browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(16, 19, 24)"
    assert dark == (scheme == "dark")
    for path in paths(ids):
        browser.go(path)
        assert browser.run(CONTRAST) == [], path
    browser.sign_in("*").go("/admin/status")
    assert browser.run(CONTRAST) == []


STRUCTURE = """
const wrong = [];
const say = (ok, what) => { if (!ok) wrong.push(what); };
const all = (selector) => Array.from(document.querySelectorAll(selector));
say(document.documentElement.lang === 'en', 'no language');
say(document.title.endsWith('Annals'), 'no title');
say(all('h1').length === 1, 'not one h1');
say(all('main').length === 1 && all('header.top').length === 1, 'no landmarks');
all('table').forEach(t => {
    say(t.caption && t.caption.textContent.trim(), 'table without caption');
    t.querySelectorAll('th').forEach(h => say(h.scope, 'th without scope: ' + h.textContent));
});
all('input:not([type=hidden]), select').forEach(
    f => say(f.labels.length === 1, 'field without label: ' + f.name));
all('a, button').forEach(e => say(e.textContent.trim() || e.getAttribute('aria-label'),
    'no name: ' + e.outerHTML));
all('img').forEach(i => say(i.hasAttribute('alt'), 'img without alt'));
all('time').forEach(t => say(!isNaN(new Date(t.dateTime)), 'time without datetime'));
const ids = all('[id]').map(e => e.id);
say(new Set(ids).size === ids.length, 'an id twice');
say(all('[style], style, script:not([src])').length === 0, 'inline style or script');
all('button, input:not([type=hidden]), select, .button, .pill, .chip, .events tbody th a, .main-nav a')
    .forEach(e => {
    const box = e.getBoundingClientRect();
    if (e.checkVisibility())
        say(box.height >= 24 && box.width >= 24, 'too small a target: ' + e.outerHTML.slice(0, 80));
});
return wrong;
"""


@pytest.mark.parametrize("width", [320, 1280])
def test_structure(annals, browser, width):
    tenant, ids = store(annals, *varied())
    browser.sign_in(tenant)
    browser.resize(width, 900)
    for path in paths(ids):
        assert browser.go(path).run(STRUCTURE) == [], path
    browser.sign_in("*")
    for path in ("/admin/events", "/admin/status"):
        assert browser.go(path).run(STRUCTURE) == [], path


def test_outcome_is_not_told_by_colour_alone(annals, browser):
    tenant, _ = store(annals, *varied())
    browser.sign_in(tenant)
    texts = {" ".join(badge.text.split()) for badge in browser.all(".events .outcome")}
    assert {text.split()[-1].lstrip("✓✕⊘?") for text in texts} == {"success", "failure", "denied",
                                                                   "unknown"}


# --- comfort --------------------------------------------------------------------------------------
def test_local_time_and_back(annals, browser):
    tenant, _ = store(annals, event())
    browser.sign_in(tenant)
    browser.timezone("Asia/Tokyo")
    browser.go("/admin/events")
    utc = browser.one(".events tbody time").text
    moment = browser.one(".events tbody time").get_attribute("datetime")
    browser.one("[data-zone]").click()
    local = browser.one(".events tbody time").text
    want = browser.run("return new Intl.DateTimeFormat('sv', {timeZone: 'Asia/Tokyo', dateStyle: 'short',"
                       "timeStyle: 'medium'}).format(new Date(arguments[0]))", moment)
    assert local.startswith(want) and local != utc
    assert local.rsplit(".", 1)[1] == utc.rsplit(".", 1)[1], "the fraction is the sender's"
    assert browser.one(".events thead .zone").text == "local"
    browser.go("/admin/events")
    assert browser.one(".events tbody time").text == local, "remembered"
    browser.one("[data-zone]").click()
    assert browser.one(".events tbody time").text == utc
    browser.timezone("UTC")


def test_copying_gives_the_document_as_it_is(annals, browser):
    # the character itself, not its escape
    raw = json.dumps([event(description="x\u202ey")], ensure_ascii=False)
    tenant, _ = store(annals, event())
    event_id = annals.post(raw, token=annals.token(tenant)).json()["results"][0]["id"]
    browser.sign_in(tenant)
    browser.driver.execute_cdp_cmd("Browser.grantPermissions", {
        "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"],
        "origin": f"http://127.0.0.1:{annals.web.port}"})
    browser.go(f"/admin/events/{event_id}")
    assert "U+202E" in browser.text("#document")
    browser.one("[data-copy=document]").click()
    browser.wait(lambda: browser.one("[data-copy=document]").text == "Copied")
    copied = browser.driver.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert "x\u202ey" in copied and "U+202E" not in copied
