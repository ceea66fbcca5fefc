/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "base/buf.h"
#include "base/clock.h"
#include "event/event.h"

#define NOW INT64_C(1767225600000000) /* 2026-01-01T00:00:00Z */
#define DAY INT64_C(86400000000)
#define MINUTE INT64_C(60000000)

/* The tables write ' for ", so that JSON stays readable in C. */
static struct an_str quoted(const char *text)
{
    char *copy = an_arena_strdup(arena, text);
    for (char *p = strchr(copy, '\''); p != NULL; p = strchr(p, '\''))
        *p = '"';
    return an_str(copy);
}

static bool parse_within(struct an_str text, bool any_time, struct an_event *e, struct an_faults *faults)
{
    struct an_json_limits limits = {.depth = 32, .values = 100000};
    struct an_json_fault bad = {0, "", ""};
    struct an_json *v;
    if (!an_json_parse(arena, text, &limits, &v, &bad))
        fail_msg("not JSON (%s at %zu): %.*s", bad.detail, bad.offset, AN_STR_ARG(text));
    struct an_event_rules rules = {.tenant_id = AN_STR("acme"),
                                   .now_us = NOW,
                                   .past_us = 30 * DAY,
                                   .future_us = 5 * MINUTE,
                                   .any_time = any_time};
    an_faults_init(faults, arena, 50);
    return an_event_parse(v, &rules, e, faults);
}

static bool parse(const char *text, struct an_event *e, struct an_faults *faults)
{
    return parse_within(quoted(text), false, e, faults);
}

static struct an_event good(const char *text)
{
    struct an_event e;
    struct an_faults faults;
    if (!parse(text, &e, &faults))
        fail_msg("%s: refused: %s %s", text, faults.first->where, faults.first->detail);
    return e;
}

/* "pointer code, pointer code", in the order found */
static const char *spell(const struct an_faults *faults)
{
    const char *all = "";
    for (const struct an_fault *f = faults->first; f != NULL; f = f->next) {
        assert_int_equal(f->place, AN_FAULT_POINTER);
        all = an_arena_printf(arena, "%s%s%s %s", all, *all == '\0' ? "" : ", ", f->where, f->code);
    }
    return all;
}

#define ACT "'action':'a.b','actor':{'type':'user','id':'7'}"
#define AT_NOW "'timestamp':'2026-01-01T00:00:00.000000Z',"

static const struct {
    const char *why, *sent;
    const char *document; /* what follows id and tenant_id */
} documents[] = {
    {"least event: time and outcome are added", "{" ACT "}", AT_NOW ACT ",'outcome':'success'}"},
    {"members come in the fixed order, without blanks between them",
     "{ 'metadata' : {} , 'changes':[], 'context':{},\n'description':'','outcome':'denied',"
     "'entities':[],'actor':{'type':'user','id':'7'},\t'action':'a.b',"
     "'timestamp':'2026-01-01T00:00:00Z' }",
     AT_NOW ACT ",'entities':[],'outcome':'denied','description':'','context':{},'changes':[],"
                "'metadata':{}}"},
    {"numbers keep their spelling",
     "{" ACT ",'metadata':{'n':[18446744073709551616,1e400,1.10,12345678901234567890.12,-0,1E+2]}}",
     AT_NOW ACT ",'outcome':'success','metadata':{'n':[18446744073709551616,1e400,1.10,"
                "12345678901234567890.12,-0,1E+2]}}"},
    {"strings keep their escapes, values their blanks",
     "{'action':'\\u0061.b','actor':{ 'type':'us\\u0065r', 'id':'\\/7' },'outcome':'f\\u0061ilure'}",
     AT_NOW "'action':'\\u0061.b','actor':{ 'type':'us\\u0065r', 'id':'\\/7' },"
            "'outcome':'f\\u0061ilure'}"},
    {"a member name may be escaped; the document has it plain", "{'\\u0061ction':'a.b','actor':{'type':"
     "'user','id':'7'}}", AT_NOW ACT ",'outcome':'success'}"},
    {"time is brought to UTC with microseconds", "{" ACT ",'timestamp':'2025-12-31T19:30:00.1234567-04:30'}",
     "'timestamp':'2026-01-01T00:00:00.123456Z'," ACT ",'outcome':'success'}"},
    {"alias occurred_at", "{" ACT ",'occurred_at':'2025-12-31T00:00:00Z'}",
     "'timestamp':'2025-12-31T00:00:00.000000Z'," ACT ",'outcome':'success'}"},
    {"alias created", "{" ACT ",'created':'2025-12-31T00:00:00Z'}",
     "'timestamp':'2025-12-31T00:00:00.000000Z'," ACT ",'outcome':'success'}"},
    {"alias targets", "{" ACT ",'targets':[{'type':'t','id':'1'} ]}",
     AT_NOW ACT ",'entities':[{'type':'t','id':'1'} ],'outcome':'success'}"},
    {"alias target, a list", "{" ACT ",'target':[{'type':'t','id':'1'}]}",
     AT_NOW ACT ",'entities':[{'type':'t','id':'1'}],'outcome':'success'}"},
    {"alias target, one object", "{" ACT ",'target':{'type':'t','id':'1','name':'N'}}",
     AT_NOW ACT ",'entities':[{'type':'t','id':'1','name':'N'}],'outcome':'success'}"},
    {"source_ip without a context", "{" ACT ",'source_ip':'10.0.0.1'}",
     AT_NOW ACT ",'outcome':'success','context':{'ip':'10.0.0.1'}}"},
    {"source_ip and an empty context", "{" ACT ",'source_ip':'10.0.0.1','context':{ }}",
     AT_NOW ACT ",'outcome':'success','context':{'ip':'10.0.0.1'}}"},
    {"source_ip before what context holds", "{" ACT ",'context':{ 'user_agent':'x' },'source_ip':'::1'}",
     AT_NOW ACT ",'outcome':'success','context':{'ip':'::1', 'user_agent':'x' }}"},
    {"unknown members within actor, entities and context are kept",
     "{'action':'a.b','actor':{'type':'user','id':'7','email':null},'entities':[{'x':1,"
     "'type':'t','id':'1'}],'context':{'y':[]}}",
     AT_NOW "'action':'a.b','actor':{'type':'user','id':'7','email':null},'entities':[{'x':1,"
            "'type':'t','id':'1'}],'outcome':'success','context':{'y':[]}}"},
    {"the same entity twice stays as sent",
     "{" ACT ",'entities':[{'type':'t','id':'1'},{'id':'1','type':'t'}]}",
     AT_NOW ACT ",'entities':[{'type':'t','id':'1'},{'id':'1','type':'t'}],"
                "'outcome':'success'}"},
    {"changes with every kind of value",
     "{" ACT ",'changes':[{'path':'/a','old':1.0,'new':null},{'path':''},{'new':{},'path':'b'}]}",
     AT_NOW ACT ",'outcome':'success','changes':[{'path':'/a','old':1.0,'new':null},"
                "{'path':''},{'new':{},'path':'b'}]}"},
    {"idempotency_key is no part of it", "{" ACT ",'idempotency_key':'k','timestamp':'2026-01-01T00:00:00Z'}",
     AT_NOW ACT ",'outcome':'success'}"},
};

/* The document is its head and what is stored of it. */
static void assert_comes_back(const struct an_event *e)
{
    const struct an_event_head head = {e->id, e->tenant_id, e->timestamp_us};
    struct an_str stored = {an_arena_strndup(arena, e->document.data + e->head_len,
                                             e->document.len - e->head_len),
                            e->document.len - e->head_len};
    struct an_buf out;
    an_buf_init(&out, 4096);
    assert_int_equal(stored.data[0], ',');
    assert_true(an_event_add_document(&out, &head, stored));
    assert_true(an_str_equal((struct an_str){out.data, out.len}, e->document));
    an_buf_release(&out);
}

static void test_documents(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(documents); i++) {
        struct an_event e = good(documents[i].sent);
        char id[AN_UUID_LEN + 1];
        an_uuid_format(&e.id, id);
        struct an_str want =
            quoted(an_arena_printf(arena, "{'id':'%s','tenant_id':'acme',%s", id, documents[i].document));
        assert_comes_back(&e);
        if (!an_str_equal(e.document, want))
            fail_msg("%s:\n got %.*s\nwant %.*s", documents[i].why, AN_STR_ARG(e.document), AN_STR_ARG(want));
        unsigned char digest[AN_SHA256_LEN];
        an_sha256(want.data, want.len, digest);
        assert_memory_equal(e.digest, digest, AN_SHA256_LEN);
    }
}

static const struct {
    const char *why, *sent, *faults;
} refused[] = {
    {"an array", "[]", " type"},
    {"a string", "'x'", " type"},
    {"nothing in it", "{}", "/action required, /actor required"},
    {"actor without its members", "{'action':'a','actor':{}}", "/actor/type required, /actor/id required"},
    {"actor is a string", "{'action':'a','actor':'bob'}", "/actor type"},
    {"empty texts", "{'action':'','actor':{'type':'','id':''}}",
     "/action empty, /actor/type empty, /actor/id empty"},
    {"numbers are no ids", "{'action':1,'actor':{'type':2,'id':3}}",
     "/action type, /actor/type type, /actor/id type"},
    {"null is not absent", "{" ACT ",'timestamp':null,'outcome':null,'metadata':null}",
     "/timestamp type, /outcome type, /metadata type"},
    {"upper case action", "{'action':'User.login','actor':{'type':'u','id':'1'}}", "/action format"},
    {"action begins with a dot", "{'action':'.a','actor':{'type':'u','id':'1'}}", "/action format"},
    {"action with a blank", "{'action':'a b','actor':{'type':'u','id':'1'}}", "/action format"},
    {"unknown member", "{" ACT ",'severity':3}", "/severity unknown"},
    {"name with a slash and a tilde", "{" ACT ",'a/b~':3}", "/a~1b~0 unknown"},
    {"empty name", "{" ACT ",'':3}", "/ unknown"},
    {"what only the server sets", "{" ACT ",'id':'x','tenant_id':'b','received_at':'y'}",
     "/id unknown, /tenant_id unknown, /received_at unknown"},
    {"time of another format", "{" ACT ",'timestamp':'yesterday'}", "/timestamp format"},
    {"time as a number", "{" ACT ",'timestamp':1767225600}", "/timestamp type"},
    {"time under an alias", "{" ACT ",'created':''}", "/created format"},
    {"just before the window", "{" ACT ",'timestamp':'2025-12-01T23:59:59.999999Z'}", "/timestamp window"},
    {"just after the window", "{" ACT ",'timestamp':'2026-01-01T00:05:00.000001Z'}", "/timestamp window"},
    {"window under an alias", "{" ACT ",'occurred_at':'2020-01-01T00:00:00Z'}", "/occurred_at window"},
    {"member and alias", "{" ACT ",'timestamp':'2026-01-01T00:00:00Z','occurred_at':'2026-01-01T00:00:00Z'}",
     "/occurred_at duplicate"},
    {"alias, then member", "{" ACT ",'targets':[],'entities':[]}", "/entities duplicate"},
    {"two aliases", "{" ACT ",'targets':[],'target':[]}", "/target duplicate"},
    {"source_ip and context.ip", "{" ACT ",'source_ip':'::1','context':{'ip':'::1'}}",
     "/source_ip duplicate"},
    {"source_ip is no address", "{" ACT ",'source_ip':'localhost'}", "/source_ip format"},
    {"context.ip is a network", "{" ACT ",'context':{'ip':'10.0.0.0/8'}}", "/context/ip format"},
    {"context.ip is null", "{" ACT ",'context':{'ip':null}}", "/context/ip type"},
    {"context is a list", "{" ACT ",'context':[]}", "/context type"},
    {"context is a list beside source_ip", "{" ACT ",'context':[1],'source_ip':'::1'}", "/context type"},
    {"entities is one object", "{" ACT ",'entities':{'type':'t','id':'1'}}", "/entities type"},
    {"targets is one object", "{" ACT ",'targets':{'type':'t','id':'1'}}", "/targets type"},
    {"target is a string", "{" ACT ",'target':'doc'}", "/target type"},
    {"one target without an id", "{" ACT ",'target':{'type':'t'}}", "/target/id required"},
    {"faults of the third entity", "{" ACT ",'entities':[{'type':'t','id':'1'},7,{'type':false}]}",
     "/entities/1 type, /entities/2/type type, /entities/2/id required"},
    {"unknown outcome", "{" ACT ",'outcome':'ok'}", "/outcome value"},
    {"outcome of another case", "{" ACT ",'outcome':'Success'}", "/outcome value"},
    {"description is an object", "{" ACT ",'description':{}}", "/description type"},
    {"metadata is a list", "{" ACT ",'metadata':[]}", "/metadata type"},
    {"changes is an object", "{" ACT ",'changes':{}}", "/changes type"},
    {"bad changes", "{" ACT ",'changes':[1,{},{'path':1},{'path':'p','from':1,'olt':2}]}",
     "/changes/0 type, /changes/1/path required, /changes/2/path type, /changes/3/from unknown, "
     "/changes/3/olt unknown"},
    {"a key without a time", "{" ACT ",'idempotency_key':'k'}", "/timestamp required"},
    {"an empty key", "{" ACT ",'idempotency_key':'','created':'2026-01-01T00:00:00Z'}",
     "/idempotency_key empty"},
    {"everything at once",
     "{'acton':1,'actor':{'id':''},'entities':[{}],'context':{'ip':1},'changes':[{}]}",
     "/acton unknown, /action required, /actor/type required, /actor/id empty, /entities/0/type required, "
     "/entities/0/id required, /context/ip type, /changes/0/path required"},
};

static void test_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(refused); i++) {
        struct an_event e;
        struct an_faults faults;
        if (parse(refused[i].sent, &e, &faults))
            fail_msg("%s: accepted", refused[i].why);
        if (strcmp(spell(&faults), refused[i].faults) != 0)
            fail_msg("%s:\n got %s\nwant %s", refused[i].why, spell(&faults), refused[i].faults);
    }
}

static const struct {
    const char *sent, *detail;
} details[] = {
    {"{" ACT ",'entitys':[]}", "is not a known member; did you mean \"entities\"?"},
    {"{" ACT ",'tagets':[]}", "is not a known member"}, /* an alias is never proposed */
    {"{" ACT ",'changes':[{'path':'p','olt':2}]}", "is not a known member; did you mean \"old\"?"},
    {"{" ACT ",'targets':[],'entities':[]}", "says the same as \"targets\": send one of them"},
    {"{" ACT ",'outcome':'secret'}", "must be one of success, failure, denied, unknown"},
};

static void test_details(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(details); i++) {
        struct an_event e;
        struct an_faults faults;
        assert_false(parse(details[i].sent, &e, &faults));
        assert_int_equal(faults.count, 1);
        assert_string_equal(faults.first->detail, details[i].detail);
    }
}

/* Each %s is filled with `len` times the letter x (é: two bytes). */
static const struct {
    const char *why, *format, *fault;
    size_t most;
} lengths[] = {
    {"action", "{'action':'%s','actor':{'type':'u','id':'1'}}", "/action too-long", AN_ACTION_MAX},
    {"actor type", "{'action':'a','actor':{'type':'%s','id':'1'}}", "/actor/type too-long", AN_TYPE_MAX},
    {"actor id", "{'action':'a','actor':{'type':'u','id':'%s'}}", "/actor/id too-long", AN_ID_MAX},
    {"entity type", "{" ACT ",'entities':[{'type':'%s','id':'1'}]}", "/entities/0/type too-long",
     AN_TYPE_MAX},
    {"entity id", "{" ACT ",'entities':[{'type':'t','id':'%s'}]}", "/entities/0/id too-long", AN_ID_MAX},
    {"key", "{" ACT ",'created':'2026-01-01T00:00:00Z','idempotency_key':'%s'}",
     "/idempotency_key too-long", AN_ID_MAX},
};

static bool parse_filled(const char *format, size_t len, struct an_faults *faults)
{
    const char *at = strstr(format, "%s");
    struct an_buf text;
    an_buf_init(&text, 4096);
    an_buf_add(&text, format, (size_t)(at - format));
    for (size_t i = 0; i < len; i++)
        an_buf_addc(&text, 'x');
    an_buf_adds(&text, at + 2);
    struct an_event e;
    bool ok = parse(text.data, &e, faults);
    an_buf_release(&text);
    return ok;
}

static void test_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(lengths); i++) {
        struct an_faults faults;
        if (!parse_filled(lengths[i].format, lengths[i].most, &faults))
            fail_msg("%s of %zu bytes: %s", lengths[i].why, lengths[i].most, spell(&faults));
        if (parse_filled(lengths[i].format, lengths[i].most + 1, &faults))
            fail_msg("%s of %zu bytes: accepted", lengths[i].why, lengths[i].most + 1);
        assert_string_equal(spell(&faults), lengths[i].fault);
    }
}

/* An event with `count` different entities, the first of them once more at the end. */
static bool parse_entities(int count, struct an_event *e, struct an_faults *faults)
{
    const char *text = "{" ACT ",'entities':[";
    for (int i = 0; i < count; i++)
        text = an_arena_printf(arena, "%s{'type':'t','id':'%d'},", text, i);
    text = an_arena_printf(arena, "%s{'type':'t','id':'0'}]}", text);
    return parse(text, e, faults);
}

static void test_entity_count(void **state)
{
    (void)state;
    struct an_event e;
    struct an_faults faults;
    assert_true(parse_entities(99, &e, &faults));
    assert_int_equal(e.entity_count, 99);
    assert_true(an_str_is(e.entities[98].id, "98"));
    assert_false(parse_entities(100, &e, &faults));
    assert_string_equal(spell(&faults), "/entities too-many");
    assert_string_equal(faults.first->detail, "must not have over 100 items");
}

static void test_fields(void **state)
{
    (void)state;
    struct an_event e = good("{'action':'doc.\\u0072ead','actor':{'id':'z\\u00f6e','type':'user'},"
                             "'entities':[{'type':'t','id':'1'},{'type':'t','id':'\\u0031'},"
                             "{'type':'u','id':'1'}],'outcome':'unknown','source_ip':'2001:db8::1'}");
    assert_true(an_str_is(e.tenant_id, "acme"));
    assert_int_equal(e.timestamp_us, NOW);
    assert_true(an_str_is(e.action, "doc.read"));
    assert_true(an_str_is(e.actor_type, "user"));
    assert_true(an_str_is(e.actor_id, "z\xC3\xB6" "e"));
    assert_int_equal(e.outcome, AN_UNKNOWN);
    assert_true(an_str_is(e.source_ip, "2001:db8::1"));
    assert_int_equal(e.entity_count, 2);
    assert_true(an_str_is(e.entities[1].type, "u"));
    assert_false(e.keyed);
    assert_int_equal(an_uuid7_us(&e.id), NOW);
    e = good("{" ACT "}");
    assert_null(e.source_ip.data);
    assert_int_equal(e.entity_count, 0);
    assert_int_equal(e.outcome, AN_SUCCESS);
}

#define KEYED(key, time) "{" ACT ",'idempotency_key':'" key "','timestamp':'" time "'}"

static void test_identity(void **state)
{
    (void)state;
    struct an_event first = good(KEYED("order-1", "2026-01-01T00:00:00.123456Z"));
    char id[AN_UUID_LEN + 1];
    an_uuid_format(&first.id, id);
    assert_true(first.keyed);
    assert_string_equal(id, "019b76da-a87b-7c2a-8659-e74b6cb81daf");
    static const struct {
        const char *why, *sent;
        bool same;
    } others[] = {
        {"a retry", KEYED("order-1", "2026-01-01T00:00:00.123456Z"), true},
        {"the key spelt with an escape", KEYED("\\u006frder-1", "2026-01-01T00:00:00.123456Z"), true},
        {"the instant written with an offset", KEYED("order-1", "2026-01-01T01:00:00.123456+01:00"), true},
        {"another key", KEYED("order-2", "2026-01-01T00:00:00.123456Z"), false},
        {"another microsecond of the same millisecond", KEYED("order-1", "2026-01-01T00:00:00.123457Z"),
         false},
        {"no key", "{" ACT ",'timestamp':'2026-01-01T00:00:00.123456Z'}", false},
    };
    for (size_t i = 0; i < AN_COUNT(others); i++) {
        struct an_event e = good(others[i].sent);
        if ((memcmp(&e.id, &first.id, sizeof e.id) == 0) != others[i].same)
            fail_msg("%s: the id is %s", others[i].why, others[i].same ? "another" : "the same");
    }
}

static void test_window(void **state)
{
    (void)state;
    struct an_event e;
    struct an_faults faults;
    assert_int_equal(good("{" ACT ",'timestamp':'2025-12-02T00:00:00Z'}").timestamp_us, NOW - 30 * DAY);
    assert_int_equal(good("{" ACT ",'timestamp':'2026-01-01T00:05:00Z'}").timestamp_us, NOW + 5 * MINUTE);
    struct an_str old = quoted("{" ACT ",'timestamp':'1969-12-31T23:59:59.999Z'}");
    assert_false(parse_within(old, false, &e, &faults));
    assert_true(parse_within(old, true, &e, &faults));
    assert_int_equal(an_uuid7_us(&e.id), -1000);
}

/* Faults are kept up to the limit, counted beyond, and those of an earlier item do not spoil the next. */
static void test_fault_list(void **state)
{
    (void)state;
    struct an_json_limits limits = {.depth = 4, .values = 100};
    struct an_event_rules rules = {.tenant_id = AN_STR("acme"), .now_us = NOW};
    struct an_json_fault bad;
    struct an_json *empty, *fine;
    struct an_event e;
    struct an_faults faults;
    assert_true(an_json_parse(arena, AN_STR("{}"), &limits, &empty, &bad));
    assert_true(an_json_parse(arena, quoted("{" ACT "}"), &limits, &fine, &bad));
    an_faults_init(&faults, arena, 1);
    assert_false(an_event_parse(empty, &rules, &e, &faults));
    assert_int_equal(faults.count, 2);
    assert_null(faults.first->next);
    assert_true(an_event_parse(fine, &rules, &e, &faults));
}

static const struct {
    const char *text;
    bool address, network;
} addresses[] = {
    {"10.0.0.1", true, true},
    {"255.255.255.255", true, true},
    {"::", true, true},
    {"2001:db8::1", true, true},
    {"::ffff:192.0.2.1", true, true},
    {"10.0.0.0/8", false, true},
    {"10.0.0.0/32", false, true},
    {"10.0.0.0/0", false, true},
    {"2001:db8::/128", false, true},
    {"10.0.0.0/33", false, false},
    {"10.0.0.0/08", false, false}, /* inet of PostgreSQL refuses it */
    {"2001:db8::/129", false, false},
    {"10.0.0.0/", false, false},
    {"10.0.0.0/-0", false, false},
    {"10.0.0.0/+1", false, false},
    {"10.0.0.0/0008", false, false},
    {"10.0.0.0/8/8", false, false},
    {"/8", false, false},
    {"", false, false},
    {"10.0.0", false, false},
    {"010.0.0.1", false, false},
    {"10.0.0.256", false, false},
    {" 10.0.0.1", false, false},
    {"fe80::1%eth0", false, false},
    {"[::1]", false, false},
    {"1:2:3:4:5:6:7:8:9", false, false},
    {"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", false, false},
};

static void test_addresses(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(addresses); i++) {
        struct an_str s = an_str(addresses[i].text);
        if (an_ip_valid(s, false) != addresses[i].address || an_ip_valid(s, true) != addresses[i].network)
            fail_msg("\"%s\"", addresses[i].text);
    }
    assert_false(an_ip_valid(AN_STR("10.0.0.1\0"), false));
}

static void test_tenants(void **state)
{
    (void)state;
    static const char *const yes[] = {"a", "Z9", "0", "acme-corp_eu.1"};
    static const char *const no[] = {"", "-a", ".a", "_a", "a b", "a/b", "a:b", "\xC3\xA9", "a\""};
    for (size_t i = 0; i < AN_COUNT(yes); i++)
        assert_true(an_tenant_valid(an_str(yes[i])));
    for (size_t i = 0; i < AN_COUNT(no); i++)
        assert_false(an_tenant_valid(an_str(no[i])));
    char text[AN_TENANT_MAX + 2];
    memset(text, 'a', sizeof text);
    assert_true(an_tenant_valid((struct an_str){text, AN_TENANT_MAX}));
    assert_false(an_tenant_valid((struct an_str){text, AN_TENANT_MAX + 1}));
    assert_true(an_action_valid((struct an_str){text, AN_ACTION_MAX}));
    assert_false(an_action_valid((struct an_str){text, AN_ACTION_MAX + 1}));
}

static void test_served(void **state)
{
    (void)state;
    static const struct an_event_head head = {.tenant_id = AN_STR("acme"), .timestamp_us = NOW};
    static const struct an_str stored = AN_STR("{\"action\":\"a\"}");
    struct an_buf out;
    an_buf_init(&out, 320);
    assert_true(an_event_add_document(&out, &head, stored));
    assert_string_equal(out.data, "{\"id\":\"00000000-0000-0000-0000-000000000000\",\"tenant_id\":\"acme\","
                                  "\"timestamp\":\"2026-01-01T00:00:00.000000Z\",\"action\":\"a\"}");
    size_t len = out.len - 1;
    assert_true(an_event_add_served(&out, &head, stored, NOW + 1));
    assert_memory_equal(out.data + len + 1, out.data, len);
    assert_string_equal(out.data + 2 * len + 1, ",\"received_at\":\"2026-01-01T00:00:00.000001Z\"}");
    assert_false(an_event_add_served(&out, &head, stored, NOW));
    assert_true(out.overflow);
    an_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_documents),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_details),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_entity_count),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_identity),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_fault_list),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_tenants),
        cmocka_unit_test(test_served),
    };
    return cmocka_run_group_tests_name("event", tests, make_arena, free_arena);
}
