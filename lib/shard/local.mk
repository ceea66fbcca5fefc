libannals_a_SOURCES += \
	lib/shard/directory.c \
	lib/shard/directory.h \
	lib/shard/known.c \
	lib/shard/known.h \
	lib/shard/replica.c \
	lib/shard/replica.h \
	lib/shard/router.c \
	lib/shard/router.h \
	lib/shard/shard.c \
	lib/shard/shard.h \
	lib/shard/tenants.c \
	lib/shard/tenants.h
