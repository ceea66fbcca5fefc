/* SPDX-License-Identifier: Apache-2.0 */
/* docs/api/openapi.yaml, built in: one entry. It is written in JSON (which YAML includes), so the same bytes
 * are served as /v1/openapi.json. */
#ifndef AN_API_OPENAPI_H
#define AN_API_OPENAPI_H

#include "base/embedded.h"

extern const struct an_embedded an_openapi_files[];
extern const size_t an_openapi_files_count;

#endif
