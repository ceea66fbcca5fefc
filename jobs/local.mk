bin_PROGRAMS += annalsctl

annalsctl_SOURCES = \
	jobs/annalsctl.c \
	jobs/ctl-completion.c \
	jobs/ctl-config.c \
	jobs/ctl-token.c \
	jobs/ctl.h
annalsctl_LDADD = $(AN_LIBS)
