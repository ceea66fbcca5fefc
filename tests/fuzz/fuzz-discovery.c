/* SPDX-License-Identifier: Apache-2.0 */
/* Discovery documents: an address that comes out of one may be asked. */
#include "an.h"

#include <assert.h>

#include "auth/provider.h"
#include "conf/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *url = NULL;
    struct an_err err;
    int rc = an_discovery_parse((struct an_str){(const char *)data, size}, "https://a", &url, &err);
    assert((rc == AN_OK) == (url != NULL));
    assert(url == NULL || an_url_fault(an_str(url)) == NULL);
    (void)rc;
    free(url);
    return 0;
}
