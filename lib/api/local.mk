libannals_a_SOURCES += \
	lib/api/access.c \
	lib/api/access.h \
	lib/api/api.h \
	lib/api/common.c \
	lib/api/ctx.c \
	lib/api/ingest_routes.c \
	lib/api/meta_routes.c \
	lib/api/route.c \
	lib/api/route.h \
	lib/api/search_routes.c \
	lib/api/serve.c \
	lib/api/write_token.c \
	lib/api/write_token.h
