libannals_a_SOURCES += \
	lib/search/filter.c \
	lib/search/filter.h
