libannals_a_SOURCES += \
	lib/base/arena.c \
	lib/base/arena.h \
	lib/base/buf.c \
	lib/base/buf.h \
	lib/base/clock.c \
	lib/base/clock.h \
	lib/base/codec.c \
	lib/base/codec.h \
	lib/base/digest.c \
	lib/base/digest.h \
	lib/base/embedded.h \
	lib/base/err.c \
	lib/base/err.h \
	lib/base/fault.c \
	lib/base/fault.h \
	lib/base/file.c \
	lib/base/file.h \
	lib/base/json.c \
	lib/base/json.h \
	lib/base/mem.c \
	lib/base/mem.h \
	lib/base/suggest.c \
	lib/base/suggest.h \
	lib/base/text.c \
	lib/base/text.h \
	lib/base/uuid.c \
	lib/base/uuid.h
