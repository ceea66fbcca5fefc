EXTRA_DIST += \
	docs/README.md \
	docs/api/openapi.yaml \
	docs/api/problems.md \
	docs/guide/getting-started.md \
	docs/guide/operating.md
