# One program for each module; a test needs cmocka. tests/unit/test-json is made of test-json.c, and so on.
UNIT_TESTS = \
	tests/unit/test-accept \
	tests/unit/test-arena \
	tests/unit/test-auth \
	tests/unit/test-buf \
	tests/unit/test-clock \
	tests/unit/test-codec \
	tests/unit/test-conf \
	tests/unit/test-console-diff \
	tests/unit/test-console-document \
	tests/unit/test-console-histogram \
	tests/unit/test-console-query \
	tests/unit/test-decode \
	tests/unit/test-digest \
	tests/unit/test-err \
	tests/unit/test-event \
	tests/unit/test-fault \
	tests/unit/test-filter \
	tests/unit/test-health \
	tests/unit/test-issuer \
	tests/unit/test-job \
	tests/unit/test-json \
	tests/unit/test-json-corpus \
	tests/unit/test-jwk \
	tests/unit/test-keyring \
	tests/unit/test-known \
	tests/unit/test-listener \
	tests/unit/test-log \
	tests/unit/test-metrics \
	tests/unit/test-openapi \
	tests/unit/test-params \
	tests/unit/test-pid \
	tests/unit/test-place \
	tests/unit/test-principal \
	tests/unit/test-problem \
	tests/unit/test-proc \
	tests/unit/test-provider \
	tests/unit/test-replica \
	tests/unit/test-reply \
	tests/unit/test-route \
	tests/unit/test-rows \
	tests/unit/test-sign \
	tests/unit/test-sqltext \
	tests/unit/test-suggest \
	tests/unit/test-template \
	tests/unit/test-tenants \
	tests/unit/test-text \
	tests/unit/test-texts \
	tests/unit/test-token-cache \
	tests/unit/test-unicode \
	tests/unit/test-uuid \
	tests/unit/test-write-token \
	tests/unit/test-wycheproof

if HAVE_CMOCKA
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif

AN_TEST_LIBS = $(AN_LIBS) $(CMOCKA_LIBS)
# What a program links with that has no LDADD of its own: the unit tests.
LDADD = $(AN_TEST_LIBS)

tests_unit_test_reply_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=an_fcgi_write,--wrap=an_fcgi_flush

EXTRA_DIST += tests/unit/arena_fixture.h

# Tests of lib/auth share their forge and their fixture.
AUTH_TEST_SOURCES = tests/unit/auth_fixture.c tests/unit/auth_fixture.h tests/unit/forge.c tests/unit/forge.h
tests_unit_test_auth_SOURCES = tests/unit/test-auth.c $(AUTH_TEST_SOURCES)
tests_unit_test_keyring_SOURCES = tests/unit/test-keyring.c $(AUTH_TEST_SOURCES)
tests_unit_test_issuer_SOURCES = tests/unit/test-issuer.c $(AUTH_TEST_SOURCES)
tests_unit_test_jwk_SOURCES = tests/unit/test-jwk.c tests/unit/forge.c tests/unit/forge.h
tests_unit_test_proc_SOURCES = tests/unit/proc_app.c tests/unit/proc_app.h tests/unit/test-proc.c
tests_unit_test_principal_SOURCES = tests/unit/test-principal.c $(AUTH_TEST_SOURCES)
tests_unit_test_token_cache_SOURCES = tests/unit/test-token-cache.c $(AUTH_TEST_SOURCES)

# Scripts that test what the build uses.
AN_UNIT_CHECKS = \
	tests/unit/test-annalsctl.sh \
	tests/unit/test-combiner-model.sh \
	tests/unit/test-embed.sh \
	tests/unit/test-summary.sh \
	tests/unit/test-units.sh
dist_check_SCRIPTS += $(AN_UNIT_CHECKS)
TESTS += $(AN_UNIT_CHECKS)
EXTRA_DIST += tests/model/combiner.pml
