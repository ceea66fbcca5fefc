pkglibexec_PROGRAMS += annals-ingest annals-search

annals_ingest_SOURCES = fcgi/ingest.c
annals_ingest_LDADD = $(AN_LIBS)
annals_search_SOURCES = fcgi/search.c
annals_search_LDADD = $(AN_LIBS)
