/* SPDX-License-Identifier: Apache-2.0 */
/* Private to lib/html: what www/local.mk embeds. */
#ifndef AN_HTML_WWW_LIST_H
#define AN_HTML_WWW_LIST_H

#include "base/embedded.h"

extern const struct an_embedded an_template_files[];
extern const size_t an_template_files_count;
extern const struct an_embedded an_static_files[];
extern const size_t an_static_files_count;

#endif
