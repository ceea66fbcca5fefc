# SPDX-License-Identifier: Apache-2.0
"""The console as a browser without scripts sees it: a session with its cookie, forms, links.

    console = Console(annals).sign_in(tenant="t1")
    page = console.get("/admin/events?action=a.b")
    assert page.status == 200, page
"""
import html.parser
import urllib.parse


class Page(html.parser.HTMLParser):
    """What a test asks of a page: its text, links and forms."""

    HIDDEN = {"script", "style"}

    def __init__(self, body):
        super().__init__(convert_charrefs=True)
        self.pieces, self.links, self.inputs, self.tags, self.marks = [], [], {}, [], []
        self._skip = 0
        self._mark = False
        self.feed(body.decode())
        self.close()
        self.text = " ".join(" ".join(self.pieces).split())

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        self.tags.append((tag, values))
        self._skip += tag in self.HIDDEN
        self._mark = tag == "mark"
        if tag == "a":
            self.links.append(values.get("href"))
        if tag == "input":
            self.inputs.setdefault(values.get("name"), []).append(values.get("value") or "")
        if tag == "option" and "selected" in values:
            self.inputs.setdefault("selected", []).append(values.get("value"))

    def handle_endtag(self, tag):
        self._skip -= tag in self.HIDDEN
        self._mark = False

    def handle_data(self, data):
        if not self._skip:
            self.pieces.append(data)
        if self._mark:
            self.marks.append(data)

    def links_to(self, path):
        return [link for link in self.links if link and urllib.parse.urlsplit(link).path.startswith(path)]


class Console:
    """One browser. headers: sent with every request."""

    def __init__(self, annals, headers=None):
        self.annals = annals
        self.headers = headers or {}
        self.cookie = None

    def link(self, *options):
        """A one-time link's path and token."""
        url = urllib.parse.urlsplit(self.annals.ctl("login", *options))
        return url.path + "?" + url.query, urllib.parse.parse_qs(url.query)["token"][0]

    def sign_in(self, tenant="*", subject="ada", scopes=()):
        options = ["--tenant", tenant, "--subject", subject]
        for scope in scopes:
            options += ["--scope", scope]
        reply = self.use(self.link(*options)[1])
        assert reply.status == 303, reply
        self.keep(reply)
        return self

    def use(self, token, headers=None):
        return self.post("/admin/login", {"token": token}, headers=headers)

    def keep(self, reply):
        """Takes the reply's cookie, as a browser would."""
        self.cookie = reply.headers["Set-Cookie"].split(";")[0]

    def request(self, method, path, body=None, headers=None):
        fields = {**self.headers, **(headers or {})}
        if self.cookie:
            fields["Cookie"] = self.cookie
        return self.annals.request(method, path, body=body, token=None, headers=fields)

    def get(self, path, headers=None):
        return self.request("GET", path, headers=headers)

    def post(self, path, fields, headers=None):
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.request("POST", path, urllib.parse.urlencode(fields), {**kind, **(headers or {})})

    def page(self, path):
        """The page behind the path, past a redirect to its tidy address."""
        reply = self.get(path)
        if reply.status == 303:
            reply = self.get(reply.headers["Location"])
        assert reply.status == 200, reply
        return Page(reply.body)

    def csrf(self):
        return Page(self.get("/admin/events").body).inputs["csrf"][0]
