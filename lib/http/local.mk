libannals_a_SOURCES += \
	lib/http/accept.c \
	lib/http/accept.h \
	lib/http/addr.c \
	lib/http/addr.h \
	lib/http/client.c \
	lib/http/client.h \
	lib/http/decode.c \
	lib/http/decode.h \
	lib/http/fcgi.c \
	lib/http/fcgi.h \
	lib/http/listener.c \
	lib/http/listener.h \
	lib/http/params.c \
	lib/http/params.h \
	lib/http/problem.c \
	lib/http/problem.h \
	lib/http/reply.c \
	lib/http/reply.h \
	lib/http/request.c \
	lib/http/request.h \
	lib/http/sign.c \
	lib/http/sign.h
