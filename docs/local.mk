EXTRA_DIST += \
	docs/README.md \
	docs/guide/getting-started.md \
	docs/guide/operating.md
