libannals_a_SOURCES += \
	lib/api/access.c \
	lib/api/access.h \
	lib/api/admin_audit.c \
	lib/api/admin_audit.h \
	lib/api/admin_diff.c \
	lib/api/admin_diff.h \
	lib/api/admin_document.c \
	lib/api/admin_document.h \
	lib/api/admin_event.c \
	lib/api/admin_events.c \
	lib/api/admin_filters.c \
	lib/api/admin_filters.h \
	lib/api/admin_guard.c \
	lib/api/admin_guard.h \
	lib/api/admin_histogram.c \
	lib/api/admin_histogram.h \
	lib/api/admin_login.c \
	lib/api/admin_pages.h \
	lib/api/admin_query.c \
	lib/api/admin_query.h \
	lib/api/admin_routes.c \
	lib/api/admin_search.c \
	lib/api/admin_search.h \
	lib/api/admin_session.c \
	lib/api/admin_session.h \
	lib/api/admin_static.c \
	lib/api/admin_static.h \
	lib/api/admin_status.c \
	lib/api/admin_view.c \
	lib/api/admin_view.h \
	lib/api/api.h \
	lib/api/common.c \
	lib/api/ctx.c \
	lib/api/ingest_routes.c \
	lib/api/meta_routes.c \
	lib/api/openapi.h \
	lib/api/route.c \
	lib/api/route.h \
	lib/api/search_routes.c \
	lib/api/serve.c \
	lib/api/write_token.c \
	lib/api/write_token.h

nodist_libannals_a_SOURCES += lib/api/openapi_list.c
CLEANFILES += lib/api/openapi_list.c

lib/api/openapi_list.c: docs/api/openapi.yaml tools/embed.sh
	$(AM_V_GEN)$(MKDIR_P) lib/api && $(SHELL) $(srcdir)/tools/embed.sh an_openapi_files api/openapi.h \
		$(srcdir)/docs/api/openapi.yaml >$@.tmp && mv $@.tmp $@
