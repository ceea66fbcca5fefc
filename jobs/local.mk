bin_PROGRAMS += annalsctl

annalsctl_SOURCES = \
	jobs/annalsctl.c \
	jobs/ctl-completion.c \
	jobs/ctl-config.c \
	jobs/ctl-db.c \
	jobs/ctl-hold.c \
	jobs/ctl-login.c \
	jobs/ctl-move.c \
	jobs/ctl-retention.c \
	jobs/ctl-shard.c \
	jobs/ctl-status.c \
	jobs/ctl-tenant.c \
	jobs/ctl-token.c \
	jobs/ctl.c \
	jobs/ctl.h
annalsctl_LDADD = $(AN_LIBS)

sbin_PROGRAMS += annals-partition

annals_partition_SOURCES = \
	jobs/partition-report.c \
	jobs/partition-report.h \
	jobs/partition.c
annals_partition_LDADD = $(AN_LIBS)
