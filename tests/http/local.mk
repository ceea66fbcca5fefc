# Stands behind the web servers in the transport tests.
check_PROGRAMS += tests/http/echo-app
tests_http_echo_app_SOURCES = tests/http/echo-app.c
tests_http_echo_app_LDADD = $(AN_LIBS)
