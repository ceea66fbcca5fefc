libannals_a_SOURCES += \
	lib/move/compare.c \
	lib/move/copy.c \
	lib/move/follow.c \
	lib/move/move.c \
	lib/move/move.h \
	lib/move/parts.h \
	lib/move/record.c \
	lib/move/sides.c
