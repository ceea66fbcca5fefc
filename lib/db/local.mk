libannals_a_SOURCES += \
	lib/db/array.c \
	lib/db/array.h \
	lib/db/columns.c \
	lib/db/columns.h \
	lib/db/conn.c \
	lib/db/copy.c \
	lib/db/db.h \
	lib/db/health.c \
	lib/db/health.h \
	lib/db/internal.h \
	lib/db/merge.c \
	lib/db/merge.h \
	lib/db/migrate.c \
	lib/db/migrate.h \
	lib/db/migration_list.h \
	lib/db/patient.c \
	lib/db/patient.h \
	lib/db/place.c \
	lib/db/place.h \
	lib/db/read.c \
	lib/db/result.c \
	lib/db/rows.c \
	lib/db/rows.h \
	lib/db/sqlstate.c \
	lib/db/stmt.c \
	lib/db/stmt.h \
	lib/db/store.c \
	lib/db/store.h \
	lib/db/texts.c \
	lib/db/texts.h \
	lib/db/tx.c \
	lib/db/tx.h

nodist_libannals_a_SOURCES += \
	lib/db/function_list.c \
	lib/db/migration_list.c \
	lib/db/stmt_list.c \
	lib/db/stmt_list.h

BUILT_SOURCES += lib/db/stmt_list.h
CLEANFILES += lib/db/function_list.c lib/db/migration_list.c lib/db/stmt_list.c lib/db/stmt_list.h

# The lists of files are in sql/local.mk. Written beside and moved, so that a failed run leaves nothing behind.
lib/db/stmt_list.h: $(AN_QUERIES) tools/gen-stmt.awk
	$(AM_V_GEN)$(MKDIR_P) lib/db && (cd $(srcdir) && $(AWK) -v out=h -f tools/gen-stmt.awk $(AN_QUERIES)) > $@.tmp && mv $@.tmp $@
lib/db/stmt_list.c: $(AN_QUERIES) tools/gen-stmt.awk
	$(AM_V_GEN)$(MKDIR_P) lib/db && (cd $(srcdir) && $(AWK) -v out=c -f tools/gen-stmt.awk $(AN_QUERIES)) > $@.tmp && mv $@.tmp $@
lib/db/migration_list.c: $(AN_MIGRATIONS) tools/embed.sh
	$(AM_V_GEN)$(MKDIR_P) lib/db && (cd $(srcdir) && $(SHELL) tools/embed.sh an_migration_files db/migration_list.h $(AN_MIGRATIONS)) > $@.tmp && mv $@.tmp $@
lib/db/function_list.c: $(AN_FUNCTIONS) tools/embed.sh
	$(AM_V_GEN)$(MKDIR_P) lib/db && (cd $(srcdir) && $(SHELL) tools/embed.sh an_function_files db/migration_list.h $(AN_FUNCTIONS)) > $@.tmp && mv $@.tmp $@
