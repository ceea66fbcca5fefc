# Built by bench/run only.
EXTRA_PROGRAMS = bench/load bench/empty bench/router
EXTRA_DIST += bench/README.md bench/instance.py bench/pairs.py bench/run

bench_load_SOURCES = bench/load.c
bench_load_LDADD = $(AN_LIBS)
bench_empty_SOURCES = bench/empty.c
bench_empty_LDADD = $(FCGI_LIBS)
bench_router_SOURCES = bench/router.c
bench_router_LDADD = $(AN_LIBS)
