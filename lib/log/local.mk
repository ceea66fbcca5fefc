libannals_a_SOURCES += \
	lib/log/log.c \
	lib/log/log.h \
	lib/log/metrics.c \
	lib/log/metrics.h
