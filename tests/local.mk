include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/db/local.mk
include tests/http/local.mk
include tests/browser/local.mk

EXTRA_DIST += \
	tests/README.md \
	tests/conftest.py \
	tests/corpus/json \
	tests/lib/annals.py \
	tests/lib/json-suite.sh \
	tests/lib/load.py \
	tests/lib/summary.sh \
	tests/run

# For tests/run: names, one a line.
.PHONY: print-tests
print-tests:
	@printf '%s\n' $(TESTS)
