/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "db/array.h"

enum { COUNT_AT = 12 };

void an_array_start(struct an_buf *b, enum an_oid type)
{
    an_buf_clear(b);
    (void)an_buf_add_u32(b, 1); /* dimensions */
    (void)an_buf_add_u32(b, 1); /* there may be NULLs */
    (void)an_buf_add_u32(b, type);
    (void)an_buf_add_u32(b, 0); /* count, known at the end */
    (void)an_buf_add_u32(b, 1); /* lower bound */
}

struct an_db_param an_array_finish(struct an_buf *b, size_t count)
{
    for (int i = 0; i < 4; i++)
        b->data[COUNT_AT + i] = (char)(unsigned char)(count >> (24 - 8 * i));
    return (struct an_db_param){.value = {b->data, b->len}, .binary = true};
}
