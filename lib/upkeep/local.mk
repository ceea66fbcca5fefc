libannals_a_SOURCES += \
	lib/upkeep/partition.c \
	lib/upkeep/partition.h \
	lib/upkeep/partition_plan.c \
	lib/upkeep/partition_plan.h \
	lib/upkeep/partition_remove.c \
	lib/upkeep/partition_remove.h \
	lib/upkeep/retention.c \
	lib/upkeep/retention.h \
	lib/upkeep/upkeep.c \
	lib/upkeep/upkeep.h
