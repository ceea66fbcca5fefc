# Stands behind the web servers in the transport tests.
check_PROGRAMS += tests/http/echo-app
tests_http_echo_app_SOURCES = tests/http/echo-app.c
tests_http_echo_app_LDADD = $(AN_LIBS)

# Loaded into annals-ingest by the tests of the combiner. Without a sanitizer, for it also gets into what starts that.
check_PROGRAMS += tests/lib/killat.so
tests_lib_killat_so_SOURCES = tests/lib/killat.c
tests_lib_killat_so_CFLAGS = -std=gnu11 -Wall -Wextra -fPIC
tests_lib_killat_so_LDFLAGS = -shared

# The same for annalsctl tenant move.
check_PROGRAMS += tests/lib/killmove.so
tests_lib_killmove_so_SOURCES = tests/lib/killmove.c
tests_lib_killmove_so_CFLAGS = -std=gnu11 -Wall -Wextra -fPIC
tests_lib_killmove_so_LDFLAGS = -shared

EXTRA_DIST += \
	tests/http/client.py \
	tests/http/conftest.py \
	tests/http/echo.py \
	tests/http/search_model.py \
	tests/http/test_access.py \
	tests/http/test_alarms.py \
	tests/http/test_balancer.py \
	tests/http/test_combiner.py \
	tests/http/test_combiner_steps.py \
	tests/http/test_connections.py \
	tests/http/test_console.py \
	tests/http/test_fastcgi.py \
	tests/http/test_faults.py \
	tests/http/test_hung.py \
	tests/http/test_idp.py \
	tests/http/test_idp_fleet.py \
	tests/http/test_ingest.py \
	tests/http/test_isolation.py \
	tests/http/test_json.py \
	tests/http/test_keycloak.py \
	tests/http/test_move.py \
	tests/http/test_move_failover.py \
	tests/http/test_move_steps.py \
	tests/http/test_kubernetes.py \
	tests/http/test_partitions.py \
	tests/http/test_platform.py \
	tests/http/test_quickstart.py \
	tests/http/test_readiness.py \
	tests/http/test_refused.py \
	tests/http/test_replicas.py \
	tests/http/test_replicas_moves.py \
	tests/http/test_search.py \
	tests/http/test_search_model.py \
	tests/http/test_service_file.py \
	tests/http/test_shards.py \
	tests/http/test_synchronous.py \
	tests/http/test_tokens.py \
	tests/http/test_transport.py \
	tests/lib/console.py \
	tests/lib/fastcgi.py \
	tests/lib/keycloak.py \
	tests/lib/keycloak.sh \
	tests/lib/mover.py \
	tests/lib/provider.py \
	tests/lib/replicas.py \
	tests/lib/senders.py \
	tests/lib/shards.py \
	tests/lib/webserver.py
