include tests/unit/local.mk
include tests/fuzz/local.mk

# For tests/run: names, one a line.
.PHONY: print-tests
print-tests:
	@printf '%s\n' $(TESTS)
