libannals_a_SOURCES += \
	lib/log/log.c \
	lib/log/log.h \
	lib/log/metric_rows.c \
	lib/log/metric_rows.h \
	lib/log/metrics.c \
	lib/log/metrics.h
