# Parsers of outside bytes. Each entry runs over its corpus in `make check` (replay.c), and under libFuzzer by hand:
# make fuzz-run FUZZ=params SECONDS=60
FUZZ_TESTS = \
	tests/fuzz/fuzz-conf \
	tests/fuzz/fuzz-decode \
	tests/fuzz/fuzz-discovery \
	tests/fuzz/fuzz-event \
	tests/fuzz/fuzz-filter \
	tests/fuzz/fuzz-json \
	tests/fuzz/fuzz-jwk \
	tests/fuzz/fuzz-params \
	tests/fuzz/fuzz-token
check_PROGRAMS += $(FUZZ_TESTS)
TESTS += $(FUZZ_TESTS)
EXTRA_DIST += tests/fuzz/corpus

tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz-conf.c tests/fuzz/replay.c
tests_fuzz_fuzz_conf_LDADD = $(AN_LIBS)

tests_fuzz_fuzz_decode_SOURCES = tests/fuzz/fuzz-decode.c tests/fuzz/replay.c
tests_fuzz_fuzz_decode_LDADD = $(AN_LIBS)

tests_fuzz_fuzz_discovery_SOURCES = tests/fuzz/fuzz-discovery.c tests/fuzz/replay.c
tests_fuzz_fuzz_discovery_LDADD = $(AN_LIBS)

tests_fuzz_fuzz_event_SOURCES = tests/fuzz/fuzz-event.c tests/fuzz/replay.c
tests_fuzz_fuzz_event_LDADD = $(AN_LIBS)

tests_fuzz_fuzz_filter_SOURCES = tests/fuzz/fuzz-filter.c tests/fuzz/replay.c
tests_fuzz_fuzz_filter_LDADD = $(AN_LIBS)

tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz-json.c tests/fuzz/replay.c
tests_fuzz_fuzz_json_LDADD = $(AN_LIBS)

tests_fuzz_fuzz_jwk_SOURCES = tests/fuzz/fuzz-jwk.c tests/fuzz/replay.c
tests_fuzz_fuzz_jwk_LDADD = $(AN_LIBS)

tests_fuzz_fuzz_params_SOURCES = tests/fuzz/fuzz-params.c tests/fuzz/replay.c
tests_fuzz_fuzz_params_LDADD = $(AN_LIBS)

tests_fuzz_fuzz_token_SOURCES = tests/fuzz/fuzz-token.c tests/fuzz/replay.c
tests_fuzz_fuzz_token_LDADD = $(AN_LIBS)

# What it finds is written to the current folder; what it learns, beside the corpus.
fuzz-run: libannals.a
	$(MKDIR_P) tests/fuzz/found/$(FUZZ)
	$(CC) $(DEFS) $(AM_CPPFLAGS) -I. $(AM_CFLAGS) $(CFLAGS) -fsanitize=fuzzer -o tests/fuzz/found/$(FUZZ).bin \
		$(srcdir)/tests/fuzz/fuzz-$(FUZZ).c $(AM_LDFLAGS) $(AN_LIBS)
	tests/fuzz/found/$(FUZZ).bin -max_total_time=$(SECONDS) -rss_limit_mb=1024 -timeout=5 \
		tests/fuzz/found/$(FUZZ) $(srcdir)/tests/fuzz/corpus/$(FUZZ)
.PHONY: fuzz-run
