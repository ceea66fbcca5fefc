libannals_a_SOURCES += \
	lib/event/document.c \
	lib/event/event.c \
	lib/event/event.h \
	lib/event/members.h \
	lib/event/valid.c
