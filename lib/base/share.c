/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include <sys/mman.h>

#include "base/share.h"

void *an_share_new(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
#ifdef MADV_DONTDUMP
    (void)madvise(p, size, MADV_DONTDUMP);
#endif
    return p;
}

void an_share_free(void *p, size_t size)
{
    if (p != NULL)
        (void)munmap(p, size);
}
