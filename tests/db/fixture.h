/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs of this folder share: a configuration from the environment, and events made of
 * numbers. */
#ifndef TESTS_DB_FIXTURE_H
#define TESTS_DB_FIXTURE_H

#include "an.h"
#include "conf/conf.h"
#include "db/store.h"

/* ANNALS_TEST_PG: conninfo of the writer; ANNALS_TEST_PREPARED=off: no prepared statements;
 * ANNALS_TEST_STATEMENT_TIMEOUT in milliseconds. False where the first is not set: there is no server to
 * test with. */
bool fixture_conf(struct an_conf *c);

/* Event number n at an instant of `days` ago; the same tenant, n and days give the same id. variant
 * changes the content. Strings live in static memory until the next call. entities: up to 4. */
struct an_event fixture_event(const char *tenant, unsigned n, int days, const char *variant,
                              size_t entities);

#endif
