EXTRA_DIST += \
	tests/db/conftest.py \
	tests/db/test_migrations.py \
	tests/lib/postgres.py
