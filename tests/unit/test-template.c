/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "arena_fixture.h"
#include "html/mustache.h"
#include "html/template.h"

#define OUT_MAX 4096
#define RLO "\xE2\x80\xAE" /* U+202E */
#define RLO_MARK "<mark class=\"cp\" title=\"right-to-left override\">U+202E</mark>"

/* What every row of the tables below sees. */
static struct an_scope *sample(void)
{
    struct an_scope *s = an_scope_new(arena);
    an_scope_text(s, "name", AN_STR("Ada"));
    an_scope_text(s, "wild", AN_STR("<b a='1' c=\"2\">&amp;</b>"));
    an_scope_text(s, "bidi", AN_STR("a" RLO "b"));
    an_scope_text(s, "lines", AN_STR("1\n2\n"));
    an_scope_text(s, "empty", AN_STR(""));
    an_scope_text(s, "absent", (struct an_str){NULL, 0});
    an_scope_textf(s, "number", "%d", 42);
    an_scope_flag(s, "yes", true);
    an_scope_flag(s, "no", false);
    for (int i = 1; i <= 2; i++) {
        struct an_scope *item = an_scope_item(s, "items");
        an_scope_textf(item, "n", "%d", i);
        if (i == 2)
            an_scope_text(item, "name", AN_STR("Bob")); /* hides the outer one */
        struct an_scope *inner = an_scope_item(item, "inner");
        an_scope_textf(inner, "deep", "d%d", i);
    }
    return s;
}

/* The partials that the tables may use. */
static const struct {
    const char *name, *text;
} partials[] = {
    {"hello", "hello {{name}}"},
    {"two_lines", "|\n{{lines}}|\n"},
    {"item", "[{{n}}]"},
    {"broken", "{{#open}}"},
    {"nested", "<p>\n  {{> two_lines}}\n</p>\n"},
};

static struct an_mustache *kept[AN_COUNT(partials)];

static const struct an_mustache *find(void *arg, struct an_str name, struct an_err *err)
{
    (void)arg;
    for (size_t i = 0; i < AN_COUNT(partials); i++) {
        if (!an_str_is(name, partials[i].name))
            continue;
        if (kept[i] == NULL && an_mustache_compile(an_str(partials[i].text), &kept[i], err) != AN_OK)
            return NULL;
        return kept[i];
    }
    an_fail(err, AN_EINVAL, "no partial");
    return NULL;
}

static int release_partials(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(kept); i++) {
        an_mustache_free(kept[i]);
        kept[i] = NULL;
    }
    return 0;
}

static int render(const char *text, struct an_buf *out, struct an_err *err)
{
    struct an_mustache *m;
    int rc = an_mustache_compile(an_str(text), &m, err);
    if (rc != AN_OK)
        return rc;
    rc = an_mustache_render(m, sample(), find, NULL, out, err);
    an_mustache_free(m);
    return rc;
}

static const struct {
    const char *why, *text, *expect;
} good[] = {
    {"plain text stays", "a } { b }} c", "a } { b }} c"},
    {"nothing at all", "", ""},
    {"a value", "Hi {{name}}.", "Hi Ada."},
    {"blanks in the tag", "{{ name }}{{\tnumber\t}}", "Ada42"},
    {"an unknown name is empty", "[{{nobody}}]", "[]"},
    {"a flag or list prints nothing", "[{{yes}}{{items}}]", "[]"},
    {"text is escaped", "{{wild}}", "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;&lt;/b&gt;"},
    {"attributes are escaped", "<p title=\"{{wild}}\">",
     "<p title=\"&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;amp;&lt;/b&gt;\">"},
    {"hidden characters show in text", "{{bidi}}", "a" RLO_MARK "b"},
    {"and are kept in attributes", "<p title=\"{{bidi}}\" id='{{bidi}}'>",
     "<p title=\"a" RLO "b\" id='a" RLO "b'>"},
    {"text after a tag is text again", "<p a=\">\">{{bidi}}</p>", "<p a=\">\">a" RLO_MARK "b</p>"},
    {"a section of a flag", "{{#yes}}y{{/yes}}{{#no}}n{{/no}}", "y"},
    {"a section of text", "{{#name}}[{{name}}]{{/name}}", "[Ada]"},
    {"empty, absent and unknown are false",
     "{{#empty}}e{{/empty}}{{#absent}}a{{/absent}}{{#nobody}}n{{/nobody}}", ""},
    {"inverted", "{{^yes}}y{{/yes}}{{^no}}n{{/no}}{{^empty}}e{{/empty}}{{^nobody}}o{{/nobody}}", "neo"},
    {"inverted list", "{{^items}}i{{/items}}", ""},
    {"a list", "{{#items}}{{n}},{{/items}}", "1,2,"},
    {"items hide outer names, else walk up", "{{#items}}{{name}}{{number}} {{/items}}", "Ada42 Bob42 "},
    {"walking up from two levels",
     "{{#items}}{{#inner}}{{deep}}{{n}}{{number}}{{/inner}};{{/items}}", "d1142;d2242;"},
    {"a list found outside keeps the scope between",
     "{{#items}}{{#items}}{{n}}{{/items}}|{{/items}}", "12|12|"},
    {"sections of one name nest", "{{#yes}}a{{#yes}}b{{/yes}}c{{/yes}}", "abc"},
    {"a section inside of a tag", "<option{{#yes}} selected{{/yes}}>{{name}}", "<option selected>Ada"},
    {"a section inside of an attribute", "<a class=\"x{{#yes}} y{{/yes}}\">", "<a class=\"x y\">"},
    {"a comment", "a{{! not here }}b", "ab"},
    {"a comment over lines", "a\n{{!\n  not\n  here\n}}\nb", "a\nb"},
    /* lines that hold nothing but such a tag */
    {"a section's lines go", "a\n{{#yes}}\nb\n{{/yes}}\nc\n", "a\nb\nc\n"},
    {"with blanks around", "a\n  {{#yes}}\t\n  b\n\t{{/yes}} \nc\n", "a\n  b\nc\n"},
    {"with CRLF", "a\r\n{{#yes}}\r\nb\r\n{{/yes}}\r\nc", "a\r\nb\r\nc"},
    {"at the first line", "{{#yes}}\nb{{/yes}}", "b"},
    {"at the last line without its end", "{{#yes}}\nb\n  {{/yes}}", "b\n"},
    {"an inverted section's lines go", "a\n{{^no}}\nb\n{{/no}}\n", "a\nb\n"},
    {"a comment's line goes", "a\n  {{! x }}  \nb", "a\nb"},
    {"two tags on a line are not alone", "{{#yes}} {{/yes}}\n", " \n"},
    {"text beside keeps the line", "a {{#yes}}\nb {{/yes}}\n", "a \nb \n"},
    {"a value's line stays", "a\n  {{name}}\nb", "a\n  Ada\nb"},
    {"a list over lines", "<ul>\n{{#items}}\n<li>{{n}}\n{{/items}}\n</ul>", "<ul>\n<li>1\n<li>2\n</ul>"},
    /* partials */
    {"a partial sees the scope", "[{{> hello}}]", "[hello Ada]"},
    {"and that of an item", "{{#items}}{{>item}}{{/items}}", "[1][2]"},
    {"alone on its line it is indented, values are not", "  {{> two_lines}}\n!", "  |\n  1\n2\n|\n!"},
    {"indents add up", " {{> nested}}\n", " <p>\n   |\n   1\n2\n|\n </p>\n"},
    {"beside text it is not", "x {{> two_lines}}\n", "x |\n1\n2\n|\n\n"},
    {"and its line goes", "a\n{{> hello}}\nb", "a\nhello Adab"},
};

static void renders(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(good); i++) {
        struct an_buf out;
        struct an_err err = {AN_OK, ""};
        an_buf_init(&out, OUT_MAX);
        if (render(good[i].text, &out, &err) != AN_OK)
            fail_msg("%s: %s", good[i].why, err.text);
        if (strcmp(out.data, good[i].expect) != 0)
            fail_msg("%s: got \"%s\", not \"%s\"", good[i].why, out.data, good[i].expect);
        an_buf_release(&out);
    }
}

static const struct {
    const char *text, *says;
} bad[] = {
    {"a\nb {{name", "line 2: tag is not closed"},
    {"{{}}", "not a name of ours"},
    {"{{{name}}}", "not a name of ours: \"{name\""},
    {"{{&name}}", "not a name of ours: \"&name\""},
    {"{{=<% %>=}}", "not a name of ours"},
    {"{{.}}", "not a name of ours"},
    {"{{a.b}}", "not a name of ours"},
    {"{{#yes}}", "section is not closed: \"yes\""},
    {"\n\n{{/yes}}", "line 3: closes what is not open: \"yes\""},
    {"{{#yes}}{{#no}}{{/yes}}{{/no}}", "closes another section: \"yes\""},
    {"<a href={{name}}>", "value in a tag without quotes: \"name\""},
    {"<a {{name}}>", "value in a tag without quotes"},
    {"<a {{> hello}}>", "partial inside of a tag: \"hello\""},
    {"<a title=\"{{> hello}}\">", "partial inside of a tag"},
    {"<a {{#yes}}>{{/yes}}", "section does not end where a tag or attribute ends: \"yes\""},
    {"<a title=\"x>", "ends inside of a tag"},
    {"{{> nobody}}", "no partial"},
    {"{{> broken}}", "section is not closed"},
};

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(bad); i++) {
        struct an_buf out;
        struct an_err err = {AN_OK, ""};
        an_buf_init(&out, OUT_MAX);
        assert_int_equal(render(bad[i].text, &out, &err), AN_EINVAL);
        if (strstr(err.text, bad[i].says) == NULL)
            fail_msg("%s: says \"%s\", not \"%s\"", bad[i].text, err.text, bad[i].says);
        an_buf_release(&out);
    }
}

static const struct an_mustache *find_self(void *arg, struct an_str name, struct an_err *err)
{
    (void)name;
    (void)err;
    return arg;
}

static void circles_end(void **state)
{
    (void)state;
    struct an_buf out;
    struct an_err err = {AN_OK, ""};
    struct an_mustache *m;
    an_buf_init(&out, OUT_MAX);
    assert_int_equal(an_mustache_compile(AN_STR(" {{> self}}\n"), &m, &err), AN_OK);
    assert_int_equal(an_mustache_render(m, sample(), find_self, m, &out, &err), AN_EINVAL);
    assert_non_null(strstr(err.text, "partial \"self\" is in a circle"));
    an_mustache_free(m);
    an_buf_release(&out);
}

static void stops_at_the_limit(void **state)
{
    (void)state;
    struct an_buf out;
    struct an_err err = {AN_OK, ""};
    an_buf_init(&out, 8);
    assert_int_equal(render("123456789", &out, &err), AN_ETOOBIG);
    an_buf_release(&out);
}

#define CONTROL(code) "<mark class=\"cp\" title=\"control character\">" code "</mark>"
static const struct {
    const char *why, *text, *expect;
} visible[] = {
    {"ASCII stays", "plain \t\n text", "plain \t\n text"},
    {"so do other scripts", "\xC3\x84 \xD7\xA9 \xE6\x97\xA5 \xF0\x9F\x98\x80",
     "\xC3\x84 \xD7\xA9 \xE6\x97\xA5 \xF0\x9F\x98\x80"},
    {"an escape sequence of terminals", "a\x1B[31m", "a" CONTROL("U+001B") "[31m"},
    {"carriage return would hide a line", "a\rb", "a" CONTROL("U+000D") "b"},
    {"DEL", "\x7F", CONTROL("U+007F")},
    {"C1", "\xC2\x85", CONTROL("U+0085")},
    {"zero width",
     "ad\xE2\x80\x8Bmin", "ad<mark class=\"cp\" title=\"zero width space\">U+200B</mark>min"},
    {"four bytes",
     "\xF3\xA0\x81\xA1", "<mark class=\"cp\" title=\"tag or variation selector\">U+E0061</mark>"},
    {"a byte order mark",
     "\xEF\xBB\xBF", "<mark class=\"cp\" title=\"zero width no-break space\">U+FEFF</mark>"},
    {"a forged mark is escaped", "<mark>U+202E</mark>", "&lt;mark&gt;U+202E&lt;/mark&gt;"},
    {"a broken byte", "a\xFF<", "a\xEF\xBF\xBD&lt;"},
    {"a cut sequence", "\xE2\x80", "\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"an overlong form", "\xC0\xBC", "\xEF\xBF\xBD\xEF\xBF\xBD"},
    {"a replacement character that was sent", "\xEF\xBF\xBD", "\xEF\xBF\xBD"},
};

static void shows_hidden_characters(void **state)
{
    (void)state;
    for (size_t i = 0; i < AN_COUNT(visible); i++) {
        struct an_buf out;
        an_buf_init(&out, OUT_MAX);
        assert_true(an_html_add_visible(&out, an_str(visible[i].text)));
        if (strcmp(out.data, visible[i].expect) != 0)
            fail_msg("%s: got \"%s\", not \"%s\"", visible[i].why, out.data, visible[i].expect);
        an_buf_release(&out);
    }
}

/* A fault in a page that is built in would show as 500 to whoever opens it first. */
static void embedded_pages_compile(void **state)
{
    (void)state;
    static const char *const pages[] = {"error", "event", "events", "login", "status"};
    struct an_buf out;
    struct an_err err = {AN_OK, ""};
    an_buf_init(&out, 1 << 20);
    for (size_t i = 0; i < AN_COUNT(pages); i++) {
        if (an_template_render(pages[i], an_scope_new(arena), &out, &err) != AN_OK)
            fail_msg("%s: %s", pages[i], err.text);
    }
    assert_int_equal(an_template_render("nobody", an_scope_new(arena), &out, &err), AN_EINVAL);
    assert_non_null(an_static_find(AN_STR("annals.css")));
    assert_null(an_static_find(AN_STR("annals.cs")));
    an_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(renders, release_partials),
        cmocka_unit_test_teardown(refuses, release_partials),
        cmocka_unit_test(circles_end),
        cmocka_unit_test(stops_at_the_limit),
        cmocka_unit_test(shows_hidden_characters),
        cmocka_unit_test(embedded_pages_compile),
    };
    return cmocka_run_group_tests(tests, make_arena, free_arena);
}
