EXTRA_DIST += \
	tools/check-layers.awk \
	tools/embed.sh \
	tools/gen-stmt.awk
