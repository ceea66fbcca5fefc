libannals_a_SOURCES += \
	lib/api/access.c \
	lib/api/access.h \
	lib/api/api.h \
	lib/api/common.c \
	lib/api/ctx.c \
	lib/api/ingest_routes.c \
	lib/api/meta_routes.c \
	lib/api/openapi.h \
	lib/api/own_event.c \
	lib/api/own_event.h \
	lib/api/platform.c \
	lib/api/platform.h \
	lib/api/readiness.c \
	lib/api/readiness.h \
	lib/api/route.c \
	lib/api/route.h \
	lib/api/search_routes.c \
	lib/api/serve.c \
	lib/api/upkeep_metrics.c \
	lib/api/upkeep_metrics.h \
	lib/api/write_token.c \
	lib/api/write_token.h

nodist_libannals_a_SOURCES += lib/api/openapi_list.c
CLEANFILES += lib/api/openapi_list.c

lib/api/openapi_list.c: docs/api/openapi.yaml tools/embed.sh
	$(AM_V_GEN)$(MKDIR_P) lib/api && $(SHELL) $(srcdir)/tools/embed.sh an_openapi_files api/openapi.h \
		$(srcdir)/docs/api/openapi.yaml >$@.tmp && mv $@.tmp $@
