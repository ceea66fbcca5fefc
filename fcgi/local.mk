pkglibexec_PROGRAMS += annals-admin annals-ingest annals-search

annals_admin_SOURCES = fcgi/admin.c
annals_admin_LDADD = $(AN_LIBS)
annals_ingest_SOURCES = fcgi/ingest.c
annals_ingest_LDADD = $(AN_LIBS)
annals_search_SOURCES = fcgi/search.c
annals_search_LDADD = $(AN_LIBS)
