dist_man_MANS += \
	docs/man/annals-admin.8 \
	docs/man/annals-event.7 \
	docs/man/annals-ingest.8 \
	docs/man/annals-partition.8 \
	docs/man/annals-search.8 \
	docs/man/annals.conf.5 \
	docs/man/annalsctl.1

EXTRA_DIST += \
	docs/README.md \
	docs/api/openapi.yaml \
	docs/api/problems.md \
	docs/design/auth-providers.md \
	docs/design/auth.md \
	docs/design/combiner.md \
	docs/design/configuration.md \
	docs/design/data.md \
	docs/design/console.md \
	docs/design/event.md \
	docs/design/http.md \
	docs/design/ingest.md \
	docs/design/json.md \
	docs/design/metrics.md \
	docs/design/moves.md \
	docs/design/one-event.md \
	docs/design/partitions.md \
	docs/design/processes.md \
	docs/design/replicas.md \
	docs/design/search.md \
	docs/design/shards.md \
	docs/glossary.md \
	docs/guide/console.md \
	docs/guide/getting-started.md \
	docs/guide/keycloak.md \
	docs/guide/kubernetes.md \
	docs/guide/operating.md \
	docs/guide/replicas.md \
	docs/guide/searching.md \
	docs/img/console.png \
	docs/scaling.md
