# One file a statement, function or migration; alphabetical.
AN_QUERIES = \
	sql/queries/begin.sql \
	sql/queries/begin_read.sql \
	sql/queries/commit.sql \
	sql/queries/copy_entities.sql \
	sql/queries/copy_events.sql \
	sql/queries/discard_plans.sql \
	sql/queries/feed_horizon.sql \
	sql/queries/feed_of_tenant.sql \
	sql/queries/feed_snapshot.sql \
	sql/queries/functions_digest.sql \
	sql/queries/functions_digest_set.sql \
	sql/queries/hold_add.sql \
	sql/queries/hold_list.sql \
	sql/queries/hold_release.sql \
	sql/queries/issuer_keys_claim.sql \
	sql/queries/issuer_keys_find.sql \
	sql/queries/issuer_keys_put.sql \
	sql/queries/job_clock_trust.sql \
	sql/queries/job_run_list.sql \
	sql/queries/job_run_put.sql \
	sql/queries/keeper_session.sql \
	sql/queries/login_add.sql \
	sql/queries/merge_events.sql \
	sql/queries/merge_known.sql \
	sql/queries/migration_add.sql \
	sql/queries/migration_list.sql \
	sql/queries/migration_lock.sql \
	sql/queries/migration_table.sql \
	sql/queries/move_add.sql \
	sql/queries/move_class.sql \
	sql/queries/move_compare_entities.sql \
	sql/queries/move_compare_events.sql \
	sql/queries/move_compare_named.sql \
	sql/queries/move_consumer.sql \
	sql/queries/move_consumer_end.sql \
	sql/queries/move_count.sql \
	sql/queries/move_entities.sql \
	sql/queries/move_events.sql \
	sql/queries/move_events_named.sql \
	sql/queries/move_find.sql \
	sql/queries/move_hold_put.sql \
	sql/queries/move_holds.sql \
	sql/queries/move_list.sql \
	sql/queries/move_lock.sql \
	sql/queries/move_merge_entities.sql \
	sql/queries/move_position.sql \
	sql/queries/move_presence.sql \
	sql/queries/move_release.sql \
	sql/queries/move_save.sql \
	sql/queries/move_settings.sql \
	sql/queries/move_settle.sql \
	sql/queries/move_shards.sql \
	sql/queries/move_step.sql \
	sql/queries/move_switch.sql \
	sql/queries/move_tenant.sql \
	sql/queries/move_writers.sql \
	sql/queries/move_writers_left.sql \
	sql/queries/outbox_add.sql \
	sql/queries/outbox_lock.sql \
	sql/queries/outbox_put.sql \
	sql/queries/partition_attach.sql \
	sql/queries/partition_clock.sql \
	sql/queries/partition_create.sql \
	sql/queries/partition_detach.sql \
	sql/queries/partition_drop.sql \
	sql/queries/partition_horizon.sql \
	sql/queries/partition_list.sql \
	sql/queries/partition_name.sql \
	sql/queries/partition_places.sql \
	sql/queries/partition_plan.sql \
	sql/queries/put_entities.sql \
	sql/queries/put_events.sql \
	sql/queries/replica_state.sql \
	sql/queries/retention_list.sql \
	sql/queries/retention_refresh.sql \
	sql/queries/retention_set.sql \
	sql/queries/rollback.sql \
	sql/queries/row_security.sql \
	sql/queries/search_actions.sql \
	sql/queries/search_begin.sql \
	sql/queries/search_event.sql \
	sql/queries/search_oldest.sql \
	sql/queries/search_pair_rows.sql \
	sql/queries/search_plan_mode.sql \
	sql/queries/search_type_rows.sql \
	sql/queries/search_types.sql \
	sql/queries/session_clear.sql \
	sql/queries/session_end.sql \
	sql/queries/session_find.sql \
	sql/queries/session_see.sql \
	sql/queries/session_start.sql \
	sql/queries/set_limits.sql \
	sql/queries/set_tenant.sql \
	sql/queries/signing_key.sql \
	sql/queries/status_database.sql \
	sql/queries/status_outbox.sql \
	sql/queries/tenant_add.sql \
	sql/queries/tenant_find.sql \
	sql/queries/tenant_here.sql \
	sql/queries/tenant_list.sql \
	sql/queries/tenant_retention.sql \
	sql/queries/tenant_settle.sql \
	sql/queries/wal_position.sql

# Applied in this order after the migrations: what a function calls comes first.
AN_FUNCTIONS = \
	sql/functions/event_document.sql \
	sql/functions/kept_from.sql \
	sql/functions/partition_bounds.sql \
	sql/functions/partition_name.sql \
	sql/functions/partition_create.sql \
	sql/functions/partition_states.sql \
	sql/functions/partition_has.sql \
	sql/functions/partition_detach.sql \
	sql/functions/partition_detached.sql \
	sql/functions/partition_drop.sql \
	sql/functions/partition_attach.sql \
	sql/functions/session_see.sql \
	sql/functions/through.sql

# In order of their numbers. Never edited after a release.
AN_MIGRATIONS = \
	sql/migrations/0001_roles.sql \
	sql/migrations/0002_events.sql \
	sql/migrations/0003_outbox.sql \
	sql/migrations/0004_tenants.sql \
	sql/migrations/0005_console.sql \
	sql/migrations/0006_retention.sql \
	sql/migrations/0007_issuer_keys.sql \
	sql/migrations/0008_shards.sql \
	sql/migrations/0009_moves.sql \
	sql/migrations/0010_platform.sql

EXTRA_DIST += $(AN_QUERIES) $(AN_FUNCTIONS) $(AN_MIGRATIONS) sql/README.md
