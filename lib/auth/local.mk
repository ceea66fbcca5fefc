libannals_a_SOURCES += \
	lib/auth/alg.c \
	lib/auth/alg.h \
	lib/auth/auth.c \
	lib/auth/auth.h \
	lib/auth/cache.c \
	lib/auth/cache.h \
	lib/auth/claims.c \
	lib/auth/claims.h \
	lib/auth/issuer.c \
	lib/auth/issuer.h \
	lib/auth/jwk.c \
	lib/auth/jwk.h \
	lib/auth/keyset.c \
	lib/auth/keyset.h \
	lib/auth/pubkey.c \
	lib/auth/pubkey.h \
	lib/auth/signature.c \
	lib/auth/signature.h \
	lib/auth/token.c \
	lib/auth/token.h
