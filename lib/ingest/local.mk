libannals_a_SOURCES += \
	lib/ingest/answer.c \
	lib/ingest/answer.h \
	lib/ingest/combine.c \
	lib/ingest/combine.h \
	lib/ingest/ingest.c \
	lib/ingest/ingest.h \
	lib/ingest/recorder.c \
	lib/ingest/recorder.h
