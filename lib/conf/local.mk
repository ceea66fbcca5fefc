libannals_a_SOURCES += \
	lib/conf/apply.c \
	lib/conf/check.c \
	lib/conf/cidr.c \
	lib/conf/cidr.h \
	lib/conf/conf.c \
	lib/conf/conf.h \
	lib/conf/ini.c \
	lib/conf/ini.h \
	lib/conf/keys.c \
	lib/conf/keys.h \
	lib/conf/load.c \
	lib/conf/loader.h \
	lib/conf/url.c \
	lib/conf/url.h \
	lib/conf/value.c
