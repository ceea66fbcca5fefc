libannals_a_SOURCES += \
	lib/proc/exit.h \
	lib/proc/helper.c \
	lib/proc/helper.h \
	lib/proc/job.c \
	lib/proc/job.h \
	lib/proc/listen.c \
	lib/proc/listen.h \
	lib/proc/notify.c \
	lib/proc/notify.h \
	lib/proc/options.c \
	lib/proc/options.h \
	lib/proc/pidfile.c \
	lib/proc/pidfile.h \
	lib/proc/pool.c \
	lib/proc/pool.h \
	lib/proc/prefork.c \
	lib/proc/prefork.h \
	lib/proc/signals.c \
	lib/proc/signals.h
