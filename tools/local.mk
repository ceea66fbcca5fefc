EXTRA_DIST += \
	tools/check-layers.awk \
	tools/embed.sh \
	tools/gen-stmt.awk \
	tools/install-packages \
	tools/lib/common.sh \
	tools/lib/instance.sh
