# Pages and the files that they ask for; built into annals-admin (lib/html/local.mk).
WWW_TEMPLATES = \
	www/templates/ask.html \
	www/templates/empty.html \
	www/templates/error.html \
	www/templates/event.html \
	www/templates/events.html \
	www/templates/filters.html \
	www/templates/foot.html \
	www/templates/head.html \
	www/templates/histogram.html \
	www/templates/login.html \
	www/templates/outcome.html \
	www/templates/status.html

WWW_STATIC = \
	www/static/annals.css \
	www/static/annals.js \
	www/static/favicon.svg

EXTRA_DIST += $(WWW_TEMPLATES) $(WWW_STATIC)
