# Programs that need a server; tests/db/*.py start one. Without it the first two skip themselves.
if HAVE_CMOCKA
check_PROGRAMS += tests/db/test-router tests/db/test-store
TESTS += tests/db/test-router tests/db/test-store
endif
check_PROGRAMS += tests/db/load

tests_db_server = tests/db/fixture.c tests/db/fixture.h tests/db/server.c tests/db/server.h
tests_db_test_router_SOURCES = $(tests_db_server) tests/db/test-router.c
tests_db_test_router_LDADD = $(AN_TEST_LIBS)

tests_db_test_store_SOURCES = $(tests_db_server) tests/db/test-store.c
tests_db_test_store_LDADD = $(AN_TEST_LIBS)

tests_db_load_SOURCES = tests/db/fixture.c tests/db/fixture.h tests/db/load.c
tests_db_load_LDADD = $(AN_LIBS)

EXTRA_DIST += \
	tests/db/conftest.py \
	tests/db/test_faults.py \
	tests/db/test_feed.py \
	tests/db/test_fence.py \
	tests/db/test_migrations.py \
	tests/db/test_partition_removal.py \
	tests/db/test_partition_shards.py \
	tests/db/test_partitions.py \
	tests/db/test_platform_plans.py \
	tests/db/test_schema.py \
	tests/db/test_search_plans.py \
	tests/db/test_shards.py \
	tests/db/test_store.py \
	tests/lib/postgres.py
