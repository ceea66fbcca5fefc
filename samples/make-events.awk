# SPDX-License-Identifier: Apache-2.0
# Sample events of a fictional company, as NDJSON on standard output.
#
# usage: awk -f samples/make-events.awk -v tenant=demo -v count=8000 -v until=$(date +%s) \
#        [-v seed=N] [-v days=30]
#   tenant: demo (Nordlys Instruments) or acme (Acme Rockets); until: seconds since 1970, the newest event's
#   limit
#
# The same arguments give the same bytes with every POSIX awk, so events carry idempotency keys and a load
# that was cut off may be repeated. Work happens in sessions: somebody logs in, does a few things that
# belong together, logs out; sessions follow business hours of the people's offices, so that a histogram
# looks alive.

BEGIN {
    if (tenant == "") tenant = "demo"
    if (count == "") count = 1000
    if (days == "") days = 30
    if (until == "") fail("until is missing")
    if (seed == "") seed = 20
    state = (seed * 7919 + (tenant == "demo" ? 1 : 2)) % 2147483646 + 1
    span = days * 86400 - 600
    people()
    things()
    hours()
    landmarks()
    while (made < count)
        session()
}

function fail(why) {
    print "make-events: " why > "/dev/stderr"
    failed = 1
    exit 1
}

# --- chance: Lehmer's generator, exact in doubles, the same everywhere ----------------------------
function chance() { # [0, 1)
    state = (state * 16807) % 2147483647
    return (state - 1) / 2147483646
}
function below(n) { return int(chance() * n) }
function pick(text,    list, n) { # one word of several, separated by |
    n = split(text, list, "|")
    return list[1 + below(n)]
}

# --- time -----------------------------------------------------------------------------------------
function two(n) { return sprintf("%02d", n) }
function rfc3339(seconds,    day, rest, era, doe, yoe, doy, mp, y, m, d) { # proleptic Gregorian, UTC
    day = int(seconds / 86400)
    rest = seconds - day * 86400
    day += 719468
    era = int(day / 146097)
    doe = day - era * 146097
    yoe = int((doe - int(doe / 1460) + int(doe / 36524) - int(doe / 146096)) / 365)
    doy = doe - (365 * yoe + int(yoe / 4) - int(yoe / 100))
    mp = int((5 * doy + 2) / 153)
    d = doy - int((153 * mp + 2) / 5) + 1
    m = mp < 10 ? mp + 3 : mp - 9
    y = yoe + era * 400 + (m <= 2 ? 1 : 0)
    return y "-" two(m) "-" two(d) "T" two(int(rest / 3600)) \
        ":" two(int(rest / 60) % 60) ":" two(int(rest) % 60) \
        sprintf(".%06dZ", (rest - int(rest)) * 1000000)
}
function hours(    h) { # how much happens in each hour of a working day, local time
    split("1 1 1 1 2 4 12 40 78 92 88 70 52 80 90 84 72 50 24 12 8 5 3 2", busy, " ")
    for (h = 1; h <= 24; h++)
        busiest = busy[h] > busiest ? busy[h] : busiest
}
function working_time(offset,    t, day, hour, weight) { # a moment when a person of that office may work
    for (;;) {
        t = until - 300 - chance() * span
        hour = int((t + offset * 3600) / 3600) % 24
        day = (int((t + offset * 3600) / 86400) + 3) % 7 # 0: Monday
        weight = busy[hour + 1] / busiest
        if (day >= 5) weight *= 0.12
        if (chance() < weight) return t
    }
}

# --- JSON -----------------------------------------------------------------------------------------
function quote(s) {
    gsub(/\\/, "\\\\", s)
    gsub(/"/, "\\\"", s)
    return "\"" s "\""
}
function member(name, value) { return quote(name) ":" quote(value) }
function entity(type, id, name) {
    return "{" member("type", type) "," member("id", id) (name != "" ? "," member("name", name) : "") "}"
}
function change(path, old, new) { # old and new: JSON
    return "{" member("path", path) ",\"old\":" old ",\"new\":" new "}"
}
# Prints one event and moves the session's clock on. Optional parts are whole JSON values, or empty.
function emit(action, entities, outcome, changes, metadata, description,    line) {
    if (made >= count) return
    made++
    line = "{\"timestamp\":" quote(rfc3339(now)) "," \
        member("idempotency_key", sprintf("sample-%d-%06d", seed, made))
    line = line "," member("action", action) ",\"actor\":" actor
    if (entities != "") line = line ",\"entities\":[" entities "]"
    line = line "," member("outcome", outcome == "" ? "success" : outcome)
    line = line ",\"context\":{" context sprintf(",\"request_id\":\"%08x\"}", below(2147483647))
    if (changes != "") line = line ",\"changes\":[" changes "]"
    if (metadata != "") line = line ",\"metadata\":{" metadata "}"
    if (description != "") line = line "," member("description", description)
    print line "}"
    now += 2 + chance() * 90
    if (now > until - 1) now = until - 1 - chance() * 240
}

# --- who ------------------------------------------------------------------------------------------
function person(id, name, department, offset, address) {
    folk++
    folk_id[folk] = id
    folk_name[folk] = name
    folk_department[folk] = department
    folk_offset[folk] = offset
    folk_address[folk] = address
    member_of[department] = member_of[department] " " folk
}
function people(    i) {
    if (tenant == "acme") {
        domain = "acme.example"
        person("wile", "Wile E. Kojote", "engineering", -7, "203.0.113.20")
        person("road", "Rosa Runner", "operations", -7, "203.0.113.21")
        person("yosemite", "Yosemite Sánchez", "security", -7, "2001:db8:ac::31")
        person("daffy", "Daphne Dück", "finance", -5, "203.0.113.40")
        person("porky", "Petunia Pórky", "people", -5, "203.0.113.41")
        person("marvin", "Marvin Ó Marsaigh", "sales", 0, "2001:db8:ac::77")
        return
    }
    domain = "nordlys.example"
    person("aegir", "Ægir Þorsteinsson", "operations", 0, "192.0.2.14")
    person("astrid", "Astrid Løvås", "people", 1, "192.0.2.31")
    person("bjork", "Björk Sigurðardóttir", "finance", 0, "192.0.2.15")
    person("chloe", "Chloé Lefèvre", "legal", 1, "198.51.100.7")
    person("dmitri", "Дмитрий Соколов", "engineering", 3, "198.51.100.23")
    person("elif", "Elif Yıldız", "sales", 3, "2001:db8:20::e11f")
    person("fatima", "فاطمة الزهراء", "finance", 3, "198.51.100.61")
    person("giulia", "Giulia D'Angelo", "sales", 1, "198.51.100.77")
    person("haruka", "山田 はるか", "engineering", 9, "2001:db8:81::4a")
    person("ines", "Inês Gonçalves", "people", 0, "192.0.2.77")
    person("jiwoo", "김지우", "engineering", 9, "2001:db8:82::17")
    person("kenji", "佐藤 健二", "security", 9, "2001:db8:81::2")
    person("liam", "Liam O'Brien", "engineering", 0, "192.0.2.80")
    person("mei", "陈美", "operations", 8, "2001:db8:86::1c")
    person("nadia", "Nadia Haddad", "security", 1, "198.51.100.90")
    person("olu", "Olúwaṣeun Adébáyọ̀", "sales", 1, "198.51.100.91")
    person("priya", "प्रिया शर्मा", "engineering", 5, "2001:db8:91::5")
    person("zoe", "Zoë 🦊 Fuchs", "legal", 1, "192.0.2.99")
    for (i = 1; i <= 40; i++) # the rest of the house, with plain names
        person(sprintf("u%03d", i), pick("Anna|Ben|Carla|David|Eva|Finn|Grete|Hugo|Ida|Jonas|Kari|Lars") " " \
            pick("Berg|Dahl|Eide|Foss|Hagen|Lund|Moen|Nygård|Strand|Vik"), \
            pick("engineering|engineering|operations|sales|sales|finance|people"), 1, \
            "192.0.2." (100 + i))
}
function become(who) { # this person, at the usual place
    me = folk_id[who]
    actor = "{\"type\":\"user\"," member("id", me) "," member("name", folk_name[who]) "," \
        member("email", me "@" domain) "," member("department", folk_department[who]) "}"
    context = member("ip", folk_address[who]) "," member("user_agent", pick(agents))
}
function service(name, address) {
    me = name
    actor = "{\"type\":\"service\"," member("id", name) "," member("name", name) "}"
    context = member("ip", address) "," member("user_agent", name "/2.8.1")
}
function somebody() { return 1 + below(folk) }
function somebody_of(department,    list, n) {
    n = split(member_of[department], list, " ")
    return list[1 + below(n)]
}

# --- what -----------------------------------------------------------------------------------------
function things() {
    agents = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0|" \
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 Safari/605.1.15|" \
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36|" \
        "Nordlys-Mobile/4.12 (iOS)"
    titles = "Annual report|Supplier contract|Risk register|Design note: 潮流計|Onboarding plan|" \
        "Price list|" \
        "Réunion du comité|Test protocol β|Calibration sheet|Incident review|Sikkerhetsinstruks|Road map"
    parts = "billing|gateway|portal|reports|search|telemetry"
    roles = "viewer|editor|approver|administrator"
}
function document_id(    n) { n = 1 + below(240); title = titled(n); return sprintf("doc-%04d", n) }
function titled(n,    list, k) { k = split(titles, list, "|"); return list[1 + n % k] " " (2020 + n % 7) }

# --- what happens ---------------------------------------------------------------------------------
function log_in(    tries) {
    for (tries = chance() < 0.1 ? 1 + below(2) : 0; tries > 0; tries--)
        emit("session.login", "", "failure", "", member("reason", "wrong password") ",\"attempt\":" tries)
    emit("session.login", entity("session", sprintf("s-%07d", below(10000000))), "success", "", \
        member("method", pick("password+otp|password+otp|passkey|sso")))
}
function read_documents(    n, id) {
    for (n = 1 + below(5); n > 0; n--) {
        id = document_id()
        if (chance() < 0.04)
            emit("document.read", entity("document", id, title), "denied", "", \
                member("reason", "needs the role editor"), \
                "Access refused by policy")
        else
            emit("document.read", entity("document", id, title) "," entity("folder", "f-" (1 + below(30))))
    }
}
function edit_document(    id, version) {
    id = document_id()
    version = 1 + below(40)
    emit("document.update", entity("document", id, title) "," \
        entity("folder", "f-" (1 + below(30))), "success", \
        change("/title", quote(title), quote(title " (rev. " version + 1 ")")) "," \
        change("/version", version, version + 1) "," \
        change("/tags", "[\"draft\"]", "[\"draft\",\"" pick("review|für später|重要|final") "\"]"), \
        "\"bytes\":" (2000 + below(90000)))
    if (chance() < 0.3)
        emit("document.share", entity("document", id, title) "," \
            entity("user", folk_id[somebody()]), "success", "", \
            member("permission", pick("read|comment|write")))
    if (chance() < 0.05)
        emit("document.delete", entity("document", id, title), chance() < 0.2 ? "denied" : "success")
}
function pay(    id, amount, currency) {
    id = sprintf("pay-%06d", below(1000000))
    amount = sprintf("%d.%02d", 10 + below(90000), below(100))
    currency = pick("EUR|NOK|ISK|JPY|USD")
    emit("payment.create", entity("payment", id) "," \
        entity("account", "acc-" (100 + below(40))), "success", "", \
        "\"amount\":" amount "," member("currency", currency))
    become(somebody_of("finance"))
    if (chance() < 0.08)
        emit("payment.approve", entity("payment", id), "denied", "", "\"amount\":" amount "," \
            member("currency", currency), "The one who created a payment may not approve it")
    else
        emit("payment.approve", entity("payment", id), "success", \
            change("/status", quote("pending"), quote("approved")), \
            "\"amount\":" amount "," member("currency", currency))
    service("payment-runner", "10.20.0.9")
    emit("payment.execute", entity("payment", id) "," entity("account", "acc-" (100 + below(40))), \
        chance() < 0.05 ? "failure" : "success", "", \
            "\"amount\":" amount "," member("currency", currency) "," \
        member("bank", pick("DNB|Íslandsbanki|三菱UFJ|Crédit Mutuel")))
}
function grant(    who, old, new) {
    who = somebody()
    old = pick(roles)
    new = pick(roles)
    become(somebody_of("security"))
    emit(old == new ? "permission.review" : "permission.change", \
        entity("user", folk_id[who], folk_name[who]) "," \
        entity("role", new), "success", old == new ? "" : change("/role", quote(old), quote(new)), \
        member("ticket", "SEC-" (1000 + below(900))))
}
function hire(    id) {
    become(somebody_of("people"))
    id = sprintf("n%05d", below(100000))
    emit("user.create", entity("user", id) "," \
        entity("department", pick("engineering|sales|operations")), "success", \
        change("/active", "null", "true"))
    emit("user.invite", entity("user", id), chance() < 0.1 ? "failure" : "success", "", \
        member("channel", "email"))
}
function deploy(    part, version, steps) {
    part = pick(parts)
    version = "v" (1 + below(4)) "." below(30) "." below(10)
    emit("deployment.request", entity("service", part) "," entity("release", part "-" version))
    service("ci-runner", "10.20.0." (10 + below(5)))
    for (steps = 0; steps < 3; steps++)
        emit("deployment." (steps == 0 ? "build" : steps == 1 ? "test" : "rollout"), \
            entity("service", part) "," entity("release", part "-" version) "," \
            entity("cluster", pick("oslo|reykjavík|東京")), \
            chance() < 0.06 ? "failure" : "success", "", \
            "\"seconds\":" sprintf("%.1f", 20 + chance() * 300) "," \
            member("version", version))
    if (chance() < 0.12)
        emit("deployment.rollback", entity("service", part), "success", \
            change("/version", quote(version), quote("v1.0.0")), \
            "", "Error rate above the threshold for 5 minutes")
}
function export_data() {
    emit("report.export", entity("report", pick("revenue|headcount|access|inventory")), \
        chance() < 0.1 ? "denied" : "success", \
        "", member("format", pick("csv|xlsx|pdf")) ",\"rows\":" below(50000))
}
function sweep(    n) { # a password sprayer on the night shift
    context = member("ip", "2001:db8:bad:cafe::" (1 + below(9))) "," \
        member("user_agent", "python-requests/2.31")
    for (n = 4 + below(8); n > 0; n--) {
        actor = "{\"type\":\"user\"," member("id", folk_id[somebody()]) "}"
        emit("session.login", "", "failure", "", member("reason", "wrong password"))
        now -= 60 * chance()
    }
    emit("session.blocked", "", "denied", "", member("rule", "too many failures from one address"))
}

function session(    who, kind) {
    kind = chance()
    if (kind < 0.02) {
        now = until - 300 - chance() * span
        sweep()
        return
    }
    who = kind < 0.14 ? somebody_of("engineering") : somebody()
    now = working_time(folk_offset[who])
    become(who)
    log_in()
    if (kind < 0.14) deploy()
    else if (folk_department[who] == "finance" && chance() < 0.8) pay()
    else if (folk_department[who] == "security") grant()
    else if (folk_department[who] == "people" && chance() < 0.6) hire()
    else if (chance() < 0.15) export_data()
    become(who)
    read_documents()
    while (chance() < 0.45) edit_document()
    if (chance() < 0.5) emit("session.logout")
}

# Single events that every screen should be able to show; the newest ones, so that they are on the first page.
function landmarks(    xss, name, i) {
    now = until - 240
    become(1)
    emit("document.update", entity("document", "doc-0001", titled(1)), "success", \
        change("/title", quote("流れ"), quote("潮の流れ 🌊")) "," \
        change("/owner/name", "null", quote(folk_name[1])) "," \
        change("/limits/max", "1.10", "12345678901234567890.12"), \
        "\"exact\":1e2,\"empty\":{},\"list\":[1,\"two\",null,true]", \
        "Numbers keep their spelling; names keep their letters: Ægir, 日本語, 🦊")
    if (tenant != "demo") return
    xss = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    actor = "{\"type\":\"user\"," member("id", xss) "," member("name", xss) "," member("email", xss) "}"
    context = member("ip", "2001:db8:bad:cafe::66") "," member("user_agent", xss)
    emit("profile.update", "{" member("type", "profile") "," member("id", "javascript:alert(1)") "," \
        member("name", xss) "}", \
        "denied", change("/bio", quote(""), quote(xss)), member("bio", xss) "," quote(xss) ":1", xss)
    become(2)
    for (i = 1; i <= 24; i++)
        name = name pick("Wolfeschlegelstein|hausenberger|dorff|Übergangs|gesellschaft|") "-"
    emit("company.rename", entity("company", "c-77", name "AG & Söhne"), "success", \
        change("/name", quote("W. AG"), quote(name "AG & Söhne")), "", "A name that no column was made for")
}
