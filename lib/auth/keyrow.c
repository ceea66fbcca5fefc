/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "auth/keyrow.h"
#include "auth/provider.h"

#define NUMBER_MAX 24

/* A number as a parameter; its text lives in the buffer. */
static struct an_db_param number(char text[NUMBER_MAX], int64_t value)
{
    (void)snprintf(text, NUMBER_MAX, "%lld", (long long)value);
    return AN_DB_TEXT(an_str(text));
}

static struct an_db_param known(char text[NUMBER_MAX], int64_t known_us)
{
    return known_us == 0 ? (struct an_db_param){.value = {NULL, 0}} : number(text, known_us);
}

static int read_row(const struct an_result *rows, struct an_buf *keys, struct an_keyrow *out,
                    struct an_err *err)
{
    struct an_str text = an_result_get(rows, 0, 0), etag = an_result_get(rows, 0, 1);
    if (an_result_get(rows, 0, 2).data == NULL)
        return AN_OK; /* asked for, and no answer yet */
    if (!an_result_int(rows, 0, 2, &out->fetched_us) || !an_result_int(rows, 0, 3, &out->age_us))
        return an_fail(err, AN_EBACKEND, "annals.issuer_keys holds no time where one is wanted");
    if (text.len > 0 && !an_buf_add(keys, text.data, text.len))
        return an_fail(err, AN_ETOOBIG, "annals.issuer_keys holds more than %zu bytes", keys->limit);
    if (etag.len <= AN_ETAG_MAX)
        (void)snprintf(out->etag, sizeof out->etag, "%.*s", AN_STR_ARG(etag));
    return AN_OK;
}

int an_keyrow_find(struct an_db *db, const struct an_conf_issuer *issuer, int64_t known_us,
                   struct an_buf *keys, struct an_keyrow *out, struct an_err *err)
{
    char text[NUMBER_MAX];
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(issuer->issuer)),
                                         AN_DB_TEXT(an_str(an_provider_source(issuer))),
                                         known(text, known_us)};
    struct an_result *rows = NULL;
    *out = (struct an_keyrow){.fetched_us = 0};
    int rc = an_db_exec(db, AN_STMT_ISSUER_KEYS_FIND, params, AN_COUNT(params), &rows, err);
    if (rc == AN_OK && an_result_rows(rows) == 1)
        rc = read_row(rows, keys, out, err);
    an_result_free(rows);
    return rc;
}

int an_keyrow_claim(struct an_db *db, const struct an_conf_issuer *issuer, int64_t known_us,
                    int64_t floor_ms, bool *claimed, struct an_err *err)
{
    char known_text[NUMBER_MAX], floor_text[NUMBER_MAX];
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(issuer->issuer)),
                                         AN_DB_TEXT(an_str(an_provider_source(issuer))),
                                         known(known_text, known_us), number(floor_text, floor_ms)};
    struct an_result *rows = NULL;
    int rc = an_db_exec(db, AN_STMT_ISSUER_KEYS_CLAIM, params, AN_COUNT(params), &rows, err);
    *claimed = rc == AN_OK && an_result_rows(rows) == 1;
    an_result_free(rows);
    return rc;
}

int an_keyrow_put(struct an_db *db, const struct an_conf_issuer *issuer, struct an_str keys,
                  const char *etag, int64_t age_us, int64_t *fetched_us, struct an_err *err)
{
    char age_text[NUMBER_MAX];
    const struct an_db_param params[] = {AN_DB_TEXT(an_str(issuer->issuer)),
                                         AN_DB_TEXT(an_str(an_provider_source(issuer))), AN_DB_TEXT(keys),
                                         AN_DB_TEXT(an_str(etag)), number(age_text, age_us)};
    struct an_result *rows = NULL;
    int rc = an_db_exec(db, AN_STMT_ISSUER_KEYS_PUT, params, AN_COUNT(params), &rows, err);
    if (rc == AN_OK && (an_result_rows(rows) != 1 || !an_result_int(rows, 0, 0, fetched_us)))
        rc = an_fail(err, AN_EBACKEND, "annals.issuer_keys lost the row of %s", issuer->issuer);
    an_result_free(rows);
    return rc;
}
