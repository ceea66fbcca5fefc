include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/db/local.mk
include tests/http/local.mk

EXTRA_DIST += \
	tests/corpus/json \
	tests/lib/json-suite.sh \
	tests/lib/summary.sh \
	tests/run

# For tests/run: names, one a line.
.PHONY: print-tests
print-tests:
	@printf '%s\n' $(TESTS)
