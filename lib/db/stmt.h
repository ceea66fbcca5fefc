/* SPDX-License-Identifier: Apache-2.0 */
/* The statements of sql/queries as they are sent; the enum and the table are made by tools/gen-stmt.awk.
 */
#ifndef AN_DB_STMT_H
#define AN_DB_STMT_H

#include "an.h"
#include "db/stmt_list.h"

struct an_stmt_text {
    const char *name; /* also the name of the prepared statement */
    const char *sql;
};
extern const struct an_stmt_text an_stmt_texts[AN_STMT__COUNT];

#endif
