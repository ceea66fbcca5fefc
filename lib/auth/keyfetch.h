/* SPDX-License-Identifier: Apache-2.0 */
/* The helper that keeps the keys of providers fresh (struct an_app, help), so that no request ever waits
 * for one.
 *
 * The provider is asked once for the whole installation: whoever finds keys due, or one wanted that is
 * not there, looks into the database (keyrow.h), takes newer keys from there, and asks the provider
 * itself only where the database lets it: once in keys_refresh_floor. Without the database each program
 * asks for itself, no more often. A provider that fails, or answers anything but a usable set, changes
 * nothing. */
#ifndef AN_AUTH_KEYFETCH_H
#define AN_AUTH_KEYFETCH_H

#include "an.h"
#include "auth/keyring.h"
#include "conf/conf.h"

/* Does any issuer's set come from a provider? */
bool an_keyfetch_wanted(const struct an_conf *c);

/* Asks every provider once, without the database, and logs what fails: for annalsctl. */
void an_keyfetch_once(const struct an_conf *c, struct an_keyring *ring);

/* Does not return: it is killed. */
AN_NORETURN void an_keyfetch_run(const struct an_conf *c, struct an_keyring *ring);

#endif
