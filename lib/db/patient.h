/* SPDX-License-Identifier: Apache-2.0 */
/* Work that needs a table's lock: each try waits no longer than partition.lock_timeout, partition.retries
 * times, with pauses in between, so that nobody queues for long behind one that waits. */
#ifndef AN_DB_PATIENT_H
#define AN_DB_PATIENT_H

#include "an.h"
#include "conf/conf.h"
#include "db/db.h"

/* One try. AN_ETIMEOUT, or a deadlock: it is tried again. */
typedef int an_patient_step(struct an_db *db, void *arg, struct an_err *err);

/* Tries until it is AN_OK or fails otherwise. AN_EAGAIN: no lock in all the tries; `what` begins the
 * message. */
int an_patient(struct an_db *db, const struct an_conf *c, an_patient_step *step, void *arg,
               const char *what, struct an_err *err) AN_MUST_CHECK;
/* The same, with each try in a transaction of its own under that lock_timeout. */
int an_patient_transaction(struct an_db *db, const struct an_conf *c, an_patient_step *step, void *arg,
                           const char *what, struct an_err *err) AN_MUST_CHECK;

#endif
