# One program for each module; a test needs cmocka. check_json is test-json.c, and so on.
UNIT_TESTS = \
	tests/unit/test-event \
	tests/unit/test-filter \
	tests/unit/test-json

if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif

AN_TEST_LIBS = $(AN_LIBS) $(CMOCKA_LIBS)

tests_unit_test_event_SOURCES = tests/unit/test-event.c
tests_unit_test_event_LDADD = $(AN_TEST_LIBS)

tests_unit_test_filter_SOURCES = tests/unit/test-filter.c
tests_unit_test_filter_LDADD = $(AN_TEST_LIBS)

tests_unit_test_json_SOURCES = tests/unit/test-json.c
tests_unit_test_json_LDADD = $(AN_TEST_LIBS)

# Scripts that test what the build uses.
AN_UNIT_CHECKS = \
	tests/unit/test-embed.sh
dist_check_SCRIPTS += $(AN_UNIT_CHECKS)
TESTS += $(AN_UNIT_CHECKS)
