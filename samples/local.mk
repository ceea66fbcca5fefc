EXTRA_DIST += samples/make-events.awk
