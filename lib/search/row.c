/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/clock.h"
#include "search/row.h"

int an_row_event(const struct an_result *res, size_t row, struct an_found *out, struct an_err *err)
{
    out->stored = an_result_get(res, row, 0);
    if (!an_result_time(res, row, 1, &out->head.timestamp_us) ||
        !an_result_time(res, row, 2, &out->received_us) ||
        !an_result_uuid(res, row, 3, &out->head.id))
        return an_fail(err, AN_EBACKEND, "search: a row without its times or id");
    return AN_OK;
}

int an_row_bucket(const struct an_result *res, size_t row, struct an_bucket *out, struct an_err *err)
{
    out->start_us = AN_TIME_MIN_US;
    out->key = an_result_get(res, row, 1);
    if (an_result_get(res, row, 0).data != NULL && !an_result_int(res, row, 0, &out->start_us))
        return an_fail(err, AN_EBACKEND, "search: a bucket without its start");
    if (!an_result_int(res, row, 2, &out->count))
        return an_fail(err, AN_EBACKEND, "search: a bucket without its count");
    return AN_OK;
}
