/* SPDX-License-Identifier: Apache-2.0 */
/* The server that the cmocka programs of this folder work with: ANNALS_TEST_PG names it (as the writer) and
 * ANNALS_TEST_PG_OWNER (as who may look at everything). What fails here fails the test. */
#ifndef TESTS_DB_SERVER_H
#define TESTS_DB_SERVER_H

#include "an.h"
#include "conf/conf.h"
#include "db/db.h"

extern struct an_conf conf; /* filled by fixture_conf() before server_start() */
extern struct an_db *writer, *owner;
extern struct an_err err;

int server_start(void **state);
int server_stop(void **state);

/* A name that no other run of this program has had. In static memory until the next call. */
const char *fresh_name(const char *name);
/* The same of a new tenant, which lives here. */
const char *fresh_tenant(const char *name);

/* As the owner. The result is the caller's. */
struct an_result *query(const char *sql, const struct an_db_param *params, size_t count);
/* One number of a question with the tenant as its parameter. */
int64_t ask(const char *sql, const char *tenant);

#endif
