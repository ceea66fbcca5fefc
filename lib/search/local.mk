libannals_a_SOURCES += \
	lib/search/across.c \
	lib/search/across.h \
	lib/search/counts.c \
	lib/search/coverage.c \
	lib/search/coverage.h \
	lib/search/cursor.c \
	lib/search/cursor.h \
	lib/search/filter.c \
	lib/search/filter.h \
	lib/search/plan.c \
	lib/search/plan.h \
	lib/search/postgres.c \
	lib/search/reading.c \
	lib/search/reading.h \
	lib/search/row.c \
	lib/search/row.h \
	lib/search/search.h \
	lib/search/sqlterms.c \
	lib/search/sqlterms.h \
	lib/search/sqltext.c \
	lib/search/sqltext.h
