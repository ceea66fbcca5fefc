/* SPDX-License-Identifier: Apache-2.0 */
/* Exit statuses of every program; the high ones are those of sysexits.h. */
#ifndef AN_PROC_EXIT_H
#define AN_PROC_EXIT_H

#define AN_EXIT_OK 0
#define AN_EXIT_FAILED 1
#define AN_EXIT_USAGE 2
#define AN_EXIT_AGAIN 75 /* a dependency is down or busy: the same call may work later */
#define AN_EXIT_CONF 78  /* the configuration is bad; every fault has been named */

#endif
