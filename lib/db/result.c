/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "db/array.h"
#include "db/internal.h"

size_t an_result_rows(const struct an_result *r)
{
    return r == NULL ? 0 : (size_t)PQntuples(r->pg);
}

struct an_str an_result_get(const struct an_result *r, size_t row, size_t column)
{
    int i = (int)row, j = (int)column;
    if (PQgetisnull(r->pg, i, j))
        return (struct an_str){.data = NULL};
    return (struct an_str){.data = PQgetvalue(r->pg, i, j), .len = (size_t)PQgetlength(r->pg, i, j)};
}

bool an_result_int(const struct an_result *r, size_t row, size_t column, int64_t *out)
{
    struct an_str s = an_result_get(r, row, column);
    return s.data != NULL && an_parse_i64(s, INT64_MIN, INT64_MAX, out);
}

bool an_result_true(const struct an_result *r, size_t row, size_t column)
{
    return an_str_is(an_result_get(r, row, column), "t");
}

bool an_result_int8(const struct an_result *r, size_t row, size_t column, int64_t *out)
{
    struct an_str v = an_result_get(r, row, column);
    if (v.data == NULL || v.len != sizeof(uint64_t))
        return false;
    uint64_t n = 0;
    for (size_t i = 0; i < v.len; i++)
        n = n << 8 | (unsigned char)v.data[i];
    *out = (int64_t)n;
    return true;
}

bool an_result_time(const struct an_result *r, size_t row, size_t column, int64_t *us)
{
    int64_t since;
    if (!an_result_int8(r, row, column, &since))
        return false;
    *us = (int64_t)((uint64_t)since + (uint64_t)AN_PG_EPOCH_US);
    return true;
}

bool an_result_uuid(const struct an_result *r, size_t row, size_t column, struct an_uuid *id)
{
    struct an_str v = an_result_get(r, row, column);
    if (v.data == NULL || v.len != sizeof id->bytes)
        return false;
    memcpy(id->bytes, v.data, v.len);
    return true;
}

void an_result_free(struct an_result *r)
{
    if (r == NULL)
        return;
    PQclear(r->pg);
    free(r);
}
