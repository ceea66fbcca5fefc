libannals_a_SOURCES += \
	lib/html/escape.c \
	lib/html/escape.h \
	lib/html/mustache.c \
	lib/html/mustache.h \
	lib/html/scope.c \
	lib/html/scope.h \
	lib/html/template.c \
	lib/html/template.h \
	lib/html/www_list.h
nodist_libannals_a_SOURCES += lib/html/www_list.c

BUILT_SOURCES += lib/html/www_list.c
CLEANFILES += lib/html/www_list.c

# Both lists in one file: the pages, and the files that they ask for.
lib/html/www_list.c: $(WWW_TEMPLATES) $(WWW_STATIC) tools/embed.sh
	$(AM_V_GEN)$(MKDIR_P) lib/html && \
	{ $(srcdir)/tools/embed.sh an_template_files html/www_list.h $(WWW_TEMPLATES:%=$(srcdir)/%) && \
	  $(srcdir)/tools/embed.sh an_static_files html/www_list.h $(WWW_STATIC:%=$(srcdir)/%); } >$@.tmp && mv $@.tmp $@
