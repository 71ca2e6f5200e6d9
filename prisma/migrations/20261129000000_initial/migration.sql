-- The whole schema: accounts with their identities and sealed credentials, collections with cursor, lease and schedule, watches, the mirror of
-- Gmail and Calendar, what full syncs have listed, quarantine, change feed, quota ledger, and what processes know of each other.

-- Whose mail an account's rows are: a Google identity, known by its `sub` and by the address that Google reported last.
CREATE TABLE "identities" (
    "id" UUID NOT NULL,
    "project" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "identities_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "identity_keys" (
    "project" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "identity_id" UUID NOT NULL,
    CONSTRAINT "identity_keys_pkey" PRIMARY KEY ("project", "kind", "value"),
    CONSTRAINT "identity_keys_identity_id_fkey" FOREIGN KEY ("identity_id") REFERENCES "identities"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "identity_keys_identity_id_idx" ON "identity_keys"("identity_id");

-- Service accounts that act for the users of a Workspace domain.
CREATE TABLE "delegations" (
    "id" UUID NOT NULL,
    "tenant" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "project" TEXT NOT NULL DEFAULT 'default',
    "domains" TEXT[],
    "client_email" TEXT NOT NULL,
    "client_id" TEXT NOT NULL,
    "private_key_id" TEXT NOT NULL,
    "sealed" BYTEA NOT NULL,
    "key_id" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "delegations_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "delegations_tenant_name_key" ON "delegations"("tenant", "name");
CREATE INDEX "delegations_key_id_id_idx" ON "delegations"("key_id", "id");

CREATE TABLE "accounts" (
    "id" UUID NOT NULL,
    "tenant" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "address" TEXT NOT NULL,
    "project" TEXT NOT NULL DEFAULT 'default',
    "state" TEXT NOT NULL DEFAULT 'active',
    "reason" TEXT,
    "reason_code" TEXT,
    "resources" TEXT[],
    "erasing" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "delegation_id" UUID,
    "identity_id" UUID,
    "google_sub" TEXT,
    "grant_number" INTEGER NOT NULL DEFAULT 0,
    "verified_grant" INTEGER,
    "vouched_grant" INTEGER,
    "token_version" INTEGER NOT NULL DEFAULT 0,
    "keep_grant" BOOLEAN NOT NULL DEFAULT false,
    "refused_since" TIMESTAMPTZ(3),
    "probes" INTEGER NOT NULL DEFAULT 0,
    "probe_at" TIMESTAMPTZ(3),
    "checking_until" TIMESTAMPTZ(3),
    "feed_seq" BIGINT NOT NULL DEFAULT 0,
    "feed_epoch" BIGINT NOT NULL DEFAULT 1,
    "feed_epoch_start" BIGINT NOT NULL DEFAULT 0,
    "feed_oldest_seq" BIGINT NOT NULL DEFAULT 1,
    "connect_outcome" TEXT,
    "connect_outcome_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "accounts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "accounts_delegation_id_fkey" FOREIGN KEY ("delegation_id") REFERENCES "delegations"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "accounts_identity_id_fkey" FOREIGN KEY ("identity_id") REFERENCES "identities"("id") ON DELETE RESTRICT ON UPDATE CASCADE,
    CONSTRAINT "accounts_state_check" CHECK ("state" IN ('active', 'reauth_required', 'paused', 'disabled', 'removing'))
);
CREATE UNIQUE INDEX "accounts_tenant_email_key" ON "accounts"("tenant", "email");
-- One account an address, whatever the case.
CREATE UNIQUE INDEX "accounts_address_tenant_key" ON "accounts"("address", "tenant");
CREATE INDEX "accounts_identity_id_idx" ON "accounts"("identity_id");
CREATE INDEX "accounts_delegation_id_idx" ON "accounts"("delegation_id");
CREATE INDEX "accounts_probe_at_idx" ON "accounts"("probe_at") WHERE "probe_at" IS NOT NULL;
CREATE INDEX "accounts_not_active_idx" ON "accounts"("state", "id") WHERE "state" <> 'active';
CREATE INDEX "accounts_erasing_idx" ON "accounts"("updated_at") WHERE "erasing" <> '{}';

CREATE TABLE "account_aliases" (
    "account_id" UUID NOT NULL,
    "address" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "account_aliases_pkey" PRIMARY KEY ("account_id", "address"),
    CONSTRAINT "account_aliases_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "account_aliases_address_idx" ON "account_aliases"("address");

CREATE TABLE "credentials" (
    "account_id" UUID NOT NULL,
    "sealed" BYTEA NOT NULL,
    "key_id" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "credentials_pkey" PRIMARY KEY ("account_id"),
    CONSTRAINT "credentials_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "credentials_key_id_account_id_idx" ON "credentials"("key_id", "account_id");

-- Which master keys seal and are being replaced, and which process holds which. Key ids only.
CREATE TABLE "master_keys" (
    "key_id" TEXT NOT NULL,
    "current_since" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "is_retiring" BOOLEAN NOT NULL DEFAULT false,
    "retired_at" TIMESTAMPTZ(3),
    CONSTRAINT "master_keys_pkey" PRIMARY KEY ("key_id")
);

CREATE TABLE "process_keys" (
    "process" TEXT NOT NULL,
    "service" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "key_ids" TEXT[],
    "sealing_key" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "process_keys_pkey" PRIMARY KEY ("process")
);

-- Google projects that Google refuses: what waits for one is asked about once for all.
CREATE TABLE "project_failures" (
    "project" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "refused_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "probe_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "project_failures_pkey" PRIMARY KEY ("project", "scope")
);

CREATE TABLE "collections" (
    "id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "tenant" TEXT NOT NULL DEFAULT '',
    "kind" TEXT NOT NULL,
    "external_id" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'active',
    "phase" TEXT NOT NULL DEFAULT 'pending',
    "generation" INTEGER NOT NULL DEFAULT 0,
    "cursor" JSONB NOT NULL DEFAULT '{"phase":"pending"}',
    "progress_done" BIGINT NOT NULL DEFAULT 0,
    "progress_total" BIGINT,
    "full_sync_started_at" TIMESTAMPTZ(3),
    "lease_epoch" BIGINT NOT NULL DEFAULT 0,
    "lease_until" TIMESTAMPTZ(3),
    "lease_holder" TEXT,
    "requested_at" TIMESTAMPTZ(6),
    "full_sync_requested" BOOLEAN NOT NULL DEFAULT false,
    "repair_requested" BOOLEAN NOT NULL DEFAULT false,
    "notified_at" TIMESTAMPTZ(6),
    "run_started_at" TIMESTAMPTZ(6),
    "caught_up_at" TIMESTAMPTZ(6),
    "last_synced_at" TIMESTAMPTZ(3),
    "last_change_at" TIMESTAMPTZ(3),
    "next_sync_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,
    "parked" TEXT,
    "reason_code" TEXT,
    "promised_at" TIMESTAMPTZ(3),
    "full_syncs_today" INTEGER NOT NULL DEFAULT 0,
    "full_syncs_since" TIMESTAMPTZ(3),
    "endless_listings" INTEGER NOT NULL DEFAULT 0,
    "audited_at" TIMESTAMPTZ(3),
    "audit_sliced_at" TIMESTAMPTZ(3),
    "open_runs" INTEGER NOT NULL DEFAULT 0,
    "window_from" TIMESTAMPTZ(3),
    "window_goal" TIMESTAMPTZ(3),
    "held_since" TIMESTAMPTZ(3),
    "held_rows" INTEGER,
    "held_for" TEXT,
    "held_until" TIMESTAMPTZ(3),
    "held_discards" INTEGER NOT NULL DEFAULT 0,
    "gone_at" TIMESTAMPTZ(3),
    CONSTRAINT "collections_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "collections_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "collections_kind_check" CHECK ("kind" IN ('gmail', 'calendar-list', 'calendar-events', 'contacts-connections', 'contacts-other', 'contacts-groups')),
    CONSTRAINT "collections_state_check" CHECK ("state" IN ('active', 'gone', 'removing')),
    CONSTRAINT "collections_phase_check" CHECK ("phase" IN ('pending', 'full', 'incremental'))
);
CREATE UNIQUE INDEX "collections_account_id_kind_external_id_key" ON "collections"("account_id", "kind", "external_id");
-- "What is due?": one range of the index for each queue, oldest first. What it says of a row changes only with its schedule and its phase.
CREATE INDEX "collections_due_by_queue_idx" ON "collections" ((split_part("kind", '-', 1)), ("phase" <> 'incremental' OR "full_sync_requested"), "next_sync_at") INCLUDE ("tenant") WHERE "state" = 'active';
CREATE INDEX "collections_waiting_idx" ON "collections"("account_id") WHERE "parked" IN ('client', 'other-client', 'project', 'unknown-project');
CREATE INDEX "collections_held" ON "collections"("kind") WHERE "held_since" IS NOT NULL;
-- "What is late, and what hinders it?": the figures of the fleet read the oldest rows of the first two, and what hinders now by its code.
CREATE INDEX "collections_promised_idx" ON "collections"("promised_at") WHERE "promised_at" IS NOT NULL;
CREATE INDEX "collections_requested_idx" ON "collections"("requested_at") WHERE "promised_at" IS NOT NULL AND "requested_at" > "caught_up_at";
CREATE INDEX "collections_reason_idx" ON "collections"("reason_code", "id") WHERE "reason_code" IS NOT NULL AND "next_sync_at" < '9999-01-01 00:00:00+00';

-- The result of a collection's last complete audit, and the state of the current one. A row exists once an audit has begun.
CREATE TABLE "collection_audits" (
    "collection_id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "checked" BIGINT,
    "contents" BIGINT,
    "drift" INTEGER,
    "position" JSONB,
    "begun_at" TIMESTAMPTZ(3),
    "checked_so_far" BIGINT NOT NULL DEFAULT 0,
    "drift_so_far" INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "collection_audits_pkey" PRIMARY KEY ("collection_id"),
    CONSTRAINT "collection_audits_collection_id_fkey" FOREIGN KEY ("collection_id") REFERENCES "collections"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "collection_audits_account_id_idx" ON "collection_audits"("account_id");

-- Runs of a collection that ended without an outcome, and the item that a run in crash isolation has in flight. Most collections never have a row.
CREATE TABLE "collection_crashes" (
    "collection_id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "crashes" INTEGER NOT NULL DEFAULT 0,
    "in_flight_item" TEXT,
    "in_flight_epoch" BIGINT,
    "in_flight_crashes" INTEGER NOT NULL DEFAULT 0,
    CONSTRAINT "collection_crashes_pkey" PRIMARY KEY ("collection_id"),
    CONSTRAINT "collection_crashes_collection_id_fkey" FOREIGN KEY ("collection_id") REFERENCES "collections"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "collection_crashes_account_id_idx" ON "collection_crashes"("account_id");

-- What Google has promised to notify of, and when that has to be renewed.
CREATE TABLE "watches" (
    "collection_id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'requested',
    "target" TEXT,
    "address" TEXT,
    "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "epoch" BIGINT NOT NULL DEFAULT 0,
    "held_until" TIMESTAMPTZ(3),
    "begun_at" TIMESTAMPTZ(6),
    "watched_at" TIMESTAMPTZ(6),
    "expires_at" TIMESTAMPTZ(3),
    "sync_message_at" TIMESTAMPTZ(6),
    "silent_since" TIMESTAMPTZ(6),
    "silences" INTEGER NOT NULL DEFAULT 0,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,
    CONSTRAINT "watches_pkey" PRIMARY KEY ("collection_id"),
    CONSTRAINT "watches_collection_id_fkey" FOREIGN KEY ("collection_id") REFERENCES "collections"("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "watches_state_check" CHECK ("state" IN ('requested', 'on', 'off', 'unwatchable', 'refused'))
);
CREATE INDEX "watches_due_at_idx" ON "watches"("due_at");
CREATE INDEX "watches_address_idx" ON "watches"("address");
CREATE INDEX "watches_account_id_idx" ON "watches"("account_id");

CREATE TABLE "channels" (
    "id" TEXT NOT NULL,
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "resource_id" TEXT,
    "superseded" BOOLEAN NOT NULL DEFAULT false,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "key_id" TEXT,
    CONSTRAINT "channels_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "channels_collection_id_fkey" FOREIGN KEY ("collection_id") REFERENCES "collections"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "channels_collection_id_idx" ON "channels"("collection_id");
CREATE INDEX "channels_account_id_idx" ON "channels"("account_id");
CREATE INDEX "channels_key_id_idx" ON "channels"("key_id");

-- What a full sync has listed, and what is still to be fetched.
CREATE TABLE "full_sync_items" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "generation" INTEGER NOT NULL,
    "item_id" TEXT NOT NULL,
    "ordinal" BIGINT NOT NULL,
    "pending" BOOLEAN NOT NULL,
    "attempts" SMALLINT NOT NULL DEFAULT 0,
    "not_before" TIMESTAMPTZ(3),
    "thread_id" TEXT,
    CONSTRAINT "full_sync_items_pkey" PRIMARY KEY ("account_id", "collection_id", "generation", "item_id")
);
-- "The next items to fetch": a range scan from the cursor's position.
CREATE INDEX "full_sync_items_next_idx" ON "full_sync_items"("collection_id", "generation", "ordinal") WHERE "pending";
CREATE INDEX "full_sync_items_thread_idx" ON "full_sync_items"("collection_id", "generation", "thread_id") WHERE "thread_id" IS NOT NULL;

-- What the lists of single labels said, until all of them are read and the rows can be compared with it.
CREATE TABLE "full_sync_labels" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "generation" INTEGER NOT NULL,
    "item_id" TEXT NOT NULL,
    "label_id" TEXT NOT NULL,
    CONSTRAINT "full_sync_labels_pkey" PRIMARY KEY ("account_id", "collection_id", "generation", "item_id", "label_id")
);

-- Both are written and emptied wholesale: vacuum them early.
ALTER TABLE "full_sync_items" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE "full_sync_labels" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);

CREATE TABLE "held_items" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "generation" INTEGER NOT NULL,
    "item_id" TEXT NOT NULL,
    CONSTRAINT "held_items_pkey" PRIMARY KEY ("account_id", "collection_id", "generation", "item_id")
);

CREATE TABLE "audit_items" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "suspect" BOOLEAN NOT NULL,
    "item_id" TEXT NOT NULL,
    CONSTRAINT "audit_items_pkey" PRIMARY KEY ("account_id", "collection_id", "suspect", "item_id")
);

CREATE TABLE "quarantined_items" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "item_id" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "cause" TEXT NOT NULL DEFAULT 'not-understood',
    "attempts" INTEGER NOT NULL DEFAULT 1,
    "first_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "retry_at" TIMESTAMPTZ(3),
    CONSTRAINT "quarantined_items_pkey" PRIMARY KEY ("account_id", "collection_id", "item_id")
);
CREATE INDEX "quarantined_items_cause_first_at_idx" ON "quarantined_items"("cause", "first_at");

-- Items that could not be read and are tried again soon, before they are stored, gone or quarantined.
CREATE TABLE "failing_items" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "item_id" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "tries" SMALLINT NOT NULL,
    "missing_tries" SMALLINT NOT NULL DEFAULT 0,
    "first_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "retry_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "failing_items_pkey" PRIMARY KEY ("account_id", "collection_id", "item_id")
);

-- Items that are to be read again, whatever the mirror holds of them.
CREATE TABLE "refetch_items" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "item_id" TEXT NOT NULL,
    CONSTRAINT "refetch_items_pkey" PRIMARY KEY ("account_id", "collection_id", "item_id")
);

CREATE TABLE "gmail_messages" (
    "account_id" UUID NOT NULL,
    "id" TEXT NOT NULL,
    "thread_id" TEXT NOT NULL,
    "history_id" BIGINT NOT NULL,
    "label_ids" TEXT[],
    "internal_date" TIMESTAMPTZ(3),
    "size_estimate" INTEGER,
    "snippet" TEXT NOT NULL,
    "subject" TEXT,
    "from_header" TEXT,
    "to_header" TEXT,
    "cc_header" TEXT,
    "date_header" TEXT,
    "message_id_header" TEXT,
    "addresses" JSONB,
    "resource" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "gmail_messages_pkey" PRIMARY KEY ("account_id", "id")
);
CREATE INDEX "gmail_messages_account_id_thread_id_idx" ON "gmail_messages"("account_id", "thread_id");
CREATE INDEX "gmail_messages_account_id_internal_date_idx" ON "gmail_messages"("account_id", "internal_date");

CREATE TABLE "gmail_bodies" (
    "account_id" UUID NOT NULL,
    "message_id" TEXT NOT NULL,
    "text_plain" TEXT,
    "text_html" TEXT,
    CONSTRAINT "gmail_bodies_pkey" PRIMARY KEY ("account_id", "message_id")
);

-- The messages' RFC 822 sources, for operators who keep them (MIRROR_BODIES=raw).
CREATE TABLE "gmail_sources" (
    "account_id" UUID NOT NULL,
    "message_id" TEXT NOT NULL,
    "source" BYTEA NOT NULL,
    CONSTRAINT "gmail_sources_pkey" PRIMARY KEY ("account_id", "message_id")
);

CREATE TABLE "gmail_attachments" (
    "account_id" UUID NOT NULL,
    "message_id" TEXT NOT NULL,
    "part_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "filename" TEXT NOT NULL,
    "mime_type" TEXT NOT NULL,
    "size" INTEGER NOT NULL,
    CONSTRAINT "gmail_attachments_pkey" PRIMARY KEY ("account_id", "message_id", "part_id")
);

CREATE TABLE "gmail_threads" (
    "account_id" UUID NOT NULL,
    "id" TEXT NOT NULL,
    "message_count" INTEGER NOT NULL,
    "first_message_at" TIMESTAMPTZ(3),
    "last_message_at" TIMESTAMPTZ(3),
    CONSTRAINT "gmail_threads_pkey" PRIMARY KEY ("account_id", "id")
);

CREATE TABLE "gmail_labels" (
    "account_id" UUID NOT NULL,
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "resource" JSONB NOT NULL,
    CONSTRAINT "gmail_labels_pkey" PRIMARY KEY ("account_id", "id")
);

CREATE TABLE "calendars" (
    "account_id" UUID NOT NULL,
    "id" TEXT NOT NULL,
    "summary" TEXT,
    "time_zone" TEXT,
    "access_role" TEXT,
    "is_primary" BOOLEAN NOT NULL,
    "resource" JSONB NOT NULL,
    CONSTRAINT "calendars_pkey" PRIMARY KEY ("account_id", "id")
);

CREATE TABLE "calendar_events" (
    "account_id" UUID NOT NULL,
    "calendar_id" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "ical_uid" TEXT,
    "summary" TEXT,
    "recurring_event_id" TEXT,
    "is_recurring" BOOLEAN NOT NULL,
    "start_date" DATE,
    "start_at" TIMESTAMPTZ(3),
    "start_zone" TEXT,
    "end_date" DATE,
    "end_at" TIMESTAMPTZ(3),
    "end_zone" TEXT,
    "etag" TEXT,
    "resource" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "calendar_events_pkey" PRIMARY KEY ("account_id", "calendar_id", "id")
);
CREATE INDEX "calendar_events_account_id_calendar_id_recurring_event_id_idx" ON "calendar_events"("account_id", "calendar_id", "recurring_event_id");
CREATE INDEX "calendar_events_account_id_start_at_idx" ON "calendar_events"("account_id", "start_at");

-- Cancelled occurrences whose series is not stored: they become rows of calendar_events when the series comes.
CREATE TABLE "cancelled_occurrences" (
    "account_id" UUID NOT NULL,
    "calendar_id" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "ical_uid" TEXT,
    "summary" TEXT,
    "recurring_event_id" TEXT,
    "is_recurring" BOOLEAN NOT NULL,
    "start_date" DATE,
    "start_at" TIMESTAMPTZ(3),
    "start_zone" TEXT,
    "end_date" DATE,
    "end_at" TIMESTAMPTZ(3),
    "end_zone" TEXT,
    "etag" TEXT,
    "resource" JSONB NOT NULL,
    CONSTRAINT "cancelled_occurrences_pkey" PRIMARY KEY ("account_id", "calendar_id", "id")
);
CREATE INDEX "cancelled_occurrences_account_id_calendar_id_recurring_even_idx" ON "cancelled_occurrences"("account_id", "calendar_id", "recurring_event_id");

CREATE TABLE "contacts" (
    "account_id" UUID NOT NULL,
    "id" TEXT NOT NULL,
    "display_name" TEXT,
    "email_addresses" TEXT[],
    "phone_numbers" TEXT[],
    "group_ids" TEXT[],
    "etag" TEXT,
    "resource" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "contacts_pkey" PRIMARY KEY ("account_id", "id")
);

CREATE TABLE "other_contacts" (
    "account_id" UUID NOT NULL,
    "id" TEXT NOT NULL,
    "display_name" TEXT,
    "email_addresses" TEXT[],
    "phone_numbers" TEXT[],
    "etag" TEXT,
    "resource" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "other_contacts_pkey" PRIMARY KEY ("account_id", "id")
);

CREATE TABLE "contact_groups" (
    "account_id" UUID NOT NULL,
    "id" TEXT NOT NULL,
    "name" TEXT,
    "type" TEXT,
    "etag" TEXT,
    "resource" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "contact_groups_pkey" PRIMARY KEY ("account_id", "id")
);

-- Bodies, sources and Google's own JSON are compressed with lz4 where the server has it: half of the disk and less WAL for
-- a few microseconds of CPU a message. Without lz4 they are kept out of line and uncompressed: pglz cost the server more
-- than half of its CPU during a full sync (docs/decisions/0140-disk.md).
DO $$
DECLARE
  mirrored record;
BEGIN
  FOR mirrored IN SELECT * FROM (VALUES
    ('gmail_bodies', 'text_plain'), ('gmail_bodies', 'text_html'), ('gmail_sources', 'source'),
    ('gmail_messages', 'resource'), ('calendar_events', 'resource'), ('contacts', 'resource')) AS v(tbl, col)
  LOOP
    BEGIN
      EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET COMPRESSION lz4', mirrored.tbl, mirrored.col);
    EXCEPTION WHEN feature_not_supported THEN
      EXECUTE format('ALTER TABLE %I ALTER COLUMN %I SET STORAGE EXTERNAL', mirrored.tbl, mirrored.col);
    END;
  END LOOP;
END $$;
CREATE TABLE "changes" (
    "account_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "entity" TEXT NOT NULL,
    "entity_id" TEXT NOT NULL,
    "calendar_id" TEXT,
    "op" TEXT NOT NULL,
    "origin" TEXT NOT NULL DEFAULT 'live',
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "changes_pkey" PRIMARY KEY ("account_id", "seq"),
    CONSTRAINT "changes_op_check" CHECK ("op" IN ('created', 'updated', 'deleted')),
    CONSTRAINT "changes_origin_check" CHECK ("origin" IN ('live', 'full_sync', 'repair'))
);

-- The feeds of all accounts in one order. A commit leaves a move; the distributor turns moves into ranges of the log.
-- What names an account in the column "account" may outlive it.
CREATE TABLE "feed_moves" (
    "id" BIGINT GENERATED BY DEFAULT AS IDENTITY NOT NULL,
    "account" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "feed_moves_pkey" PRIMARY KEY ("id")
);
-- Every row is deleted within moments.
ALTER TABLE "feed_moves" SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE "feed_heads" (
    "account_id" UUID NOT NULL,
    "distributed_seq" BIGINT NOT NULL,
    CONSTRAINT "feed_heads_pkey" PRIMARY KEY ("account_id"),
    CONSTRAINT "feed_heads_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE "feed_log" (
    "position" BIGINT NOT NULL,
    "tenant" TEXT NOT NULL,
    "account" UUID NOT NULL,
    "from_seq" BIGINT NOT NULL,
    "to_seq" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "feed_log_pkey" PRIMARY KEY ("position")
);
CREATE INDEX "feed_log_tenant_position_idx" ON "feed_log"("tenant", "position");

CREATE TABLE "feed_position" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "epoch" BIGINT NOT NULL,
    "position" BIGINT NOT NULL DEFAULT 0,
    "epoch_start" BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT "feed_position_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "feed_position_one_row" CHECK ("id" = 1)
);
INSERT INTO "feed_position" ("epoch") VALUES (1);

CREATE TABLE "account_endings" (
    "account" UUID NOT NULL,
    "tenant" TEXT NOT NULL,
    "feed_epoch" BIGINT NOT NULL,
    "last_seq" BIGINT NOT NULL,
    "position" BIGINT,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "account_endings_pkey" PRIMARY KEY ("account")
);

-- What happens to accounts and collections is a part of the account's feed. The triggers are deferred to the end of the
-- transaction, because the account's row is the last lock of every commit. An account that is being removed has no events
-- of its collections.
-- The function finds its tables by the search_path of the migration.
CREATE FUNCTION "append_lifecycle_event"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  changed_entity CONSTANT text := TG_ARGV[0];
  changed_op CONSTANT text := TG_ARGV[1];
  changed_id CONSTANT uuid := coalesce(NEW.id, OLD.id);
  owner uuid := changed_id;
BEGIN
  IF changed_entity = 'collection' THEN
    owner := coalesce(NEW.account_id, OLD.account_id);
  END IF;
  WITH numbered AS (
         UPDATE accounts SET feed_seq = feed_seq + 1
          WHERE id = owner AND (state <> 'removing' OR changed_entity = 'account') RETURNING feed_seq),
       moved AS (INSERT INTO feed_moves (account) SELECT owner FROM numbered)
  INSERT INTO changes (account_id, seq, entity, entity_id, op)
  SELECT owner, feed_seq, changed_entity, changed_id::text, changed_op FROM numbered;
  RETURN NULL;
END
$$;

CREATE CONSTRAINT TRIGGER "accounts_created" AFTER INSERT ON "accounts" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION "append_lifecycle_event"('account', 'created');
CREATE CONSTRAINT TRIGGER "accounts_updated" AFTER UPDATE OF "state", "resources", "email", "connect_outcome_at" ON "accounts" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD."state" <> NEW."state" OR OLD."resources" IS DISTINCT FROM NEW."resources" OR OLD."email" <> NEW."email"
    OR OLD."connect_outcome_at" IS DISTINCT FROM NEW."connect_outcome_at")
  EXECUTE FUNCTION "append_lifecycle_event"('account', 'updated');
CREATE CONSTRAINT TRIGGER "collections_created" AFTER INSERT ON "collections" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW."state" = 'active') EXECUTE FUNCTION "append_lifecycle_event"('collection', 'created');
CREATE CONSTRAINT TRIGGER "collections_opened" AFTER UPDATE OF "state" ON "collections" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD."state" <> 'active' AND NEW."state" = 'active') EXECUTE FUNCTION "append_lifecycle_event"('collection', 'created');
CREATE CONSTRAINT TRIGGER "collections_updated" AFTER UPDATE OF "phase", "parked" ON "collections" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD."state" = 'active' AND NEW."state" = 'active' AND (OLD."phase" <> NEW."phase" OR OLD."parked" IS DISTINCT FROM NEW."parked"))
  EXECUTE FUNCTION "append_lifecycle_event"('collection', 'updated');
CREATE CONSTRAINT TRIGGER "collections_closed" AFTER UPDATE OF "state" ON "collections" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD."state" = 'active' AND NEW."state" <> 'active') EXECUTE FUNCTION "append_lifecycle_event"('collection', 'deleted');
CREATE CONSTRAINT TRIGGER "collections_deleted" AFTER DELETE ON "collections" DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD."state" = 'active') EXECUTE FUNCTION "append_lifecycle_event"('collection', 'deleted');

-- What happened to an account. Triggers write it in the transaction that makes the transition; runs without a transition
-- leave nothing. An account keeps 500 events.
CREATE TABLE "account_events" (
    "account_id" UUID NOT NULL,
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "kind" TEXT NOT NULL,
    "collection_id" UUID,
    "actor" TEXT,
    "detail" JSONB NOT NULL DEFAULT '{}',
    CONSTRAINT "account_events_pkey" PRIMARY KEY ("account_id", "id"),
    CONSTRAINT "account_events_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "account_events_errors_started_idx" ON "account_events"("at") WHERE "kind" = 'errors_started';

-- What happened to many accounts at once. Its ids are taken from the sequence of account_events, so both have one order.
CREATE TABLE "fleet_events" (
    "id" BIGINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "kind" TEXT NOT NULL,
    "project" TEXT,
    "detail" JSONB NOT NULL DEFAULT '{}',
    CONSTRAINT "fleet_events_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "fleet_events_at_idx" ON "fleet_events"("at");

-- Collections that Google has not answered properly for about a minute.
CREATE INDEX "collections_failing_idx" ON "collections"("id") WHERE "failures" >= 6 AND "parked" IS NULL AND "state" = 'active';

CREATE FUNCTION "append_account_event"(account uuid, happened text, of_collection uuid, what jsonb) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO account_events (account_id, kind, collection_id, actor, detail)
  VALUES (account, happened, of_collection, nullif(current_setting('syncline_actor.name', true), ''), coalesce(jsonb_strip_nulls(what), '{}'));
  -- Another transaction of the account may delete the same rows: neither waits for the other.
  DELETE FROM account_events WHERE account_id = account AND id IN (
    SELECT e.id FROM account_events e WHERE e.account_id = account
       AND e.id <= (SELECT o.id FROM account_events o WHERE o.account_id = account ORDER BY o.id DESC OFFSET 500 LIMIT 1) FOR UPDATE SKIP LOCKED);
END
$$;

CREATE FUNCTION "record_account_events"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM append_account_event(NEW.id, 'account_connected', NULL, jsonb_build_object('resources', NEW.resources));
    RETURN NULL;
  END IF;
  IF OLD.state <> NEW.state THEN
    PERFORM append_account_event(NEW.id, 'account_state_changed', NULL, jsonb_build_object('from', OLD.state, 'to', NEW.state, 'code', NEW.reason_code, 'reason', NEW.reason));
  END IF;
  IF OLD.grant_number <> NEW.grant_number THEN
    PERFORM append_account_event(NEW.id, 'grant_replaced', NULL, '{}');
  END IF;
  IF OLD.address <> NEW.address THEN
    -- Without the addresses: personal data stands in the mirror and in accounts only.
    PERFORM append_account_event(NEW.id, 'address_changed', NULL, '{}');
  END IF;
  IF OLD.resources <> NEW.resources THEN
    PERFORM append_account_event(NEW.id, 'resources_changed', NULL, jsonb_build_object('from', OLD.resources, 'to', NEW.resources));
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER "accounts_connected_event" AFTER INSERT ON "accounts" FOR EACH ROW EXECUTE FUNCTION "record_account_events"();
CREATE TRIGGER "accounts_changed_event" AFTER UPDATE OF "state", "grant_number", "address", "resources" ON "accounts" FOR EACH ROW
  WHEN (OLD."state" <> NEW."state" OR OLD."grant_number" <> NEW."grant_number" OR OLD."address" <> NEW."address" OR OLD."resources" <> NEW."resources")
  EXECUTE FUNCTION "record_account_events"();

-- Google does not answer an account properly: from the sixth failure in a row, which is about a minute after the first. When
-- a hundred collections have got there within ten minutes, and as many fail now, the rest is one event of the fleet.
CREATE FUNCTION "record_errors_started"(account uuid, of_collection uuid, failures integer, error text) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF (SELECT count(*) FROM (SELECT FROM account_events WHERE kind = 'errors_started' AND at > now() - interval '10 minutes' LIMIT 100) AS recent) < 100
     OR (SELECT count(*) FROM (SELECT FROM collections WHERE collections.failures >= 6 AND parked IS NULL AND state = 'active' LIMIT 100) AS failing) < 100 THEN
    PERFORM append_account_event(account, 'errors_started', of_collection, jsonb_build_object('failures', failures, 'reason', error));
  ELSIF pg_try_advisory_xact_lock(hashtextextended('widespread errors', 0)) AND NOT widespread_errors() THEN
    INSERT INTO fleet_events (id, kind, detail) VALUES (nextval('account_events_id_seq'), 'widespread_errors_started', jsonb_build_object('reason', error));
  END IF;
END
$$;

CREATE FUNCTION "record_errors_stopped"(account uuid, of_collection uuid, failures integer) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF (SELECT kind = 'errors_started' FROM account_events WHERE account_id = account AND collection_id = of_collection
         AND kind IN ('errors_started', 'errors_stopped') ORDER BY id DESC LIMIT 1) THEN
    PERFORM append_account_event(account, 'errors_stopped', of_collection, jsonb_build_object('failures', failures));
  END IF;
  IF widespread_errors()
     AND (SELECT count(*) FROM (SELECT FROM collections WHERE collections.failures >= 6 AND parked IS NULL AND state = 'active' LIMIT 50) AS failing) < 50
     -- Asked again under the lock: another transaction may have written the end meanwhile.
     AND pg_try_advisory_xact_lock(hashtextextended('widespread errors', 0)) AND widespread_errors() THEN
    INSERT INTO fleet_events (id, kind) VALUES (nextval('account_events_id_seq'), 'widespread_errors_stopped');
  END IF;
END
$$;

CREATE FUNCTION "widespread_errors"() RETURNS boolean LANGUAGE sql VOLATILE SET search_path FROM CURRENT AS $$
  SELECT coalesce((SELECT kind = 'widespread_errors_started' FROM fleet_events
                    WHERE kind IN ('widespread_errors_started', 'widespread_errors_stopped') ORDER BY id DESC LIMIT 1), false)
$$;

-- A refused part of a Google project parks every collection that needs it: that is one event of the fleet.
CREATE FUNCTION "record_collection_events"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
  of_project CONSTANT text[] := ARRAY['client', 'other-client', 'project'];
BEGIN
  IF OLD.state <> NEW.state AND NEW.state <> 'removing' THEN
    PERFORM append_account_event(NEW.account_id, CASE NEW.state WHEN 'gone' THEN 'collection_gone' ELSE 'collection_returned' END, NEW.id, jsonb_build_object('reason', NEW.error));
  END IF;
  IF NEW.repair_requested AND NOT OLD.repair_requested THEN
    PERFORM append_account_event(NEW.account_id, 'repair_requested', NEW.id, '{}');
  ELSIF NEW.full_sync_requested AND NOT OLD.full_sync_requested THEN
    PERFORM append_account_event(NEW.account_id, 'full_sync_requested', NEW.id, '{}');
  END IF;
  IF NEW.phase = 'full' AND (OLD.phase <> 'full' OR OLD.generation <> NEW.generation) THEN
    PERFORM append_account_event(NEW.account_id, 'full_sync_started', NEW.id, '{}');
  ELSIF OLD.phase = 'full' AND NEW.phase = 'incremental' THEN
    PERFORM append_account_event(NEW.account_id, 'full_sync_finished', NEW.id,
      jsonb_build_object('items', NEW.progress_done, 'seconds', round(extract(epoch FROM clock_timestamp() - NEW.full_sync_started_at)::numeric, 3)));
  END IF;
  IF NEW.parked IS DISTINCT FROM OLD.parked AND NEW.state = 'active' THEN
    IF NEW.parked IS NOT NULL AND NOT NEW.parked = ANY(of_project) THEN
      PERFORM append_account_event(NEW.account_id, 'collection_parked', NEW.id, jsonb_build_object('code', NEW.parked, 'reason', NEW.error));
    ELSIF NEW.parked IS NULL AND NOT OLD.parked = ANY(of_project) THEN
      PERFORM append_account_event(NEW.account_id, 'collection_resumed', NEW.id, jsonb_build_object('code', OLD.parked));
    END IF;
  ELSIF NEW.parked IS NULL AND OLD.failures < 6 AND NEW.failures >= 6 THEN
    PERFORM record_errors_started(NEW.account_id, NEW.id, NEW.failures, NEW.error);
  ELSIF OLD.parked IS NULL AND OLD.failures >= 6 AND NEW.failures = 0 THEN
    PERFORM record_errors_stopped(NEW.account_id, NEW.id, OLD.failures);
  END IF;
  IF NEW.audited_at IS NOT NULL AND NEW.audited_at IS DISTINCT FROM OLD.audited_at THEN
    PERFORM append_account_event(NEW.account_id, 'audit_finished', NEW.id,
      (SELECT jsonb_build_object('compared', a.checked, 'different', a.drift) FROM collection_audits a WHERE a.account_id = NEW.account_id AND a.collection_id = NEW.id));
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER "collections_changed_event" AFTER UPDATE OF "state", "phase", "generation", "parked", "failures", "full_sync_requested", "repair_requested", "audited_at" ON "collections" FOR EACH ROW
  WHEN (OLD."state" <> NEW."state" OR OLD."phase" <> NEW."phase" OR OLD."generation" <> NEW."generation" OR OLD."parked" IS DISTINCT FROM NEW."parked"
    OR (OLD."failures" >= 6) <> (NEW."failures" >= 6) OR (NEW."full_sync_requested" AND NOT OLD."full_sync_requested") OR (NEW."repair_requested" AND NOT OLD."repair_requested")
    OR OLD."audited_at" IS DISTINCT FROM NEW."audited_at")
  EXECUTE FUNCTION "record_collection_events"();

CREATE FUNCTION "record_quarantined_items"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  PERFORM append_account_event(a.account_id, 'items_quarantined', a.collection_id, jsonb_build_object('items', a.items, 'reason', a.reason))
     FROM (SELECT account_id, collection_id, count(*) AS items, min(reason) AS reason FROM added GROUP BY account_id, collection_id) AS a;
  RETURN NULL;
END
$$;
CREATE TRIGGER "quarantined_items_event" AFTER INSERT ON "quarantined_items" REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION "record_quarantined_items"();

CREATE FUNCTION "record_project_event"() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO fleet_events (id, kind, project, detail) VALUES (nextval('account_events_id_seq'), 'project_refused', NEW.project, jsonb_build_object('part', NEW.scope, 'code', NEW.code));
  ELSE
    INSERT INTO fleet_events (id, kind, project, detail) VALUES (nextval('account_events_id_seq'), 'project_accepted', OLD.project, jsonb_build_object('part', OLD.scope));
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER "project_failures_event" AFTER INSERT OR DELETE ON "project_failures" FOR EACH ROW EXECUTE FUNCTION "record_project_event"();

-- The epoch of the change feed. Within one, a number stands for one change; after a restore numbers are given out again, in another epoch.
CREATE TABLE "feed_state" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "deployment" UUID NOT NULL DEFAULT gen_random_uuid(),
    "epoch" BIGINT NOT NULL,
    "begun_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "cause" TEXT,
    "system_identifier" TEXT,
    "database_oid" BIGINT,
    "database_name" TEXT,
    "counter" BIGINT NOT NULL DEFAULT 0,
    CONSTRAINT "feed_state_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "feed_state_one_row" CHECK ("id" = 1)
);
INSERT INTO "feed_state" ("epoch") VALUES (1);

-- A day is one of Google's quota: it ends at midnight Pacific time.
CREATE TABLE "quota_ledger" (
    "account_id" UUID NOT NULL,
    "day" DATE NOT NULL,
    "method" TEXT NOT NULL,
    "calls" BIGINT NOT NULL,
    "units" BIGINT NOT NULL,
    CONSTRAINT "quota_ledger_pkey" PRIMARY KEY ("account_id", "day", "method")
);
CREATE INDEX "quota_ledger_day_idx" ON "quota_ledger"("day");

-- Processes are ready while they can write here. The table has 64 rows at most, whatever number of processes there is.
CREATE TABLE "health_probe" (
    "slot" SMALLINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "health_probe_pkey" PRIMARY KEY ("slot"),
    CONSTRAINT "health_probe_slots" CHECK ("slot" BETWEEN 0 AND 63)
);

-- The processes of the fleet, by their heartbeats.
CREATE TABLE "processes" (
    "id" TEXT NOT NULL,
    "service" TEXT NOT NULL,
    "version" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,
    "load" JSONB NOT NULL,
    CONSTRAINT "processes_pkey" PRIMARY KEY ("id")
);

-- What the fleet is doing, rolled up by one scheduler at a time: rows by minute, by ten minutes and by day.
CREATE TABLE "fleet_figures" (
    "step" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "figures" JSONB NOT NULL,
    CONSTRAINT "fleet_figures_pkey" PRIMARY KEY ("step", "at"),
    CONSTRAINT "fleet_figures_step_check" CHECK ("step" IN ('minute', '10min', 'day'))
);

-- Work that one process at a time may do, by name. A session lock would stay on the server connection that a pooler gives to the next client.
CREATE TABLE "named_leases" (
    "name" TEXT NOT NULL,
    "token" UUID NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "acquired_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "heartbeat_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "named_leases_pkey" PRIMARY KEY ("name")
);

-- Keys of the HTTP API, by the part that names them. Only a hash of each key is stored.
CREATE TABLE "api_keys" (
    "id" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "name" TEXT NOT NULL,
    "tenant" TEXT,
    "scopes" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT,
    "expires_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "successor_id" TEXT,
    CONSTRAINT "api_keys_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "api_keys_tenant_created_at_idx" ON "api_keys"("tenant", "created_at");

-- POSTs with an idempotency key, and their answers for a day.
CREATE TABLE "idempotent_requests" (
    "key_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "request_hash" BYTEA NOT NULL,
    "run" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "status" SMALLINT,
    "location" TEXT,
    "answer" TEXT,
    CONSTRAINT "idempotent_requests_pkey" PRIMARY KEY ("key_id", "key")
);
CREATE INDEX "idempotent_requests_created_at_idx" ON "idempotent_requests"("created_at");

-- Long work that was requested over HTTP. Its rows outlive the account that they are about.
CREATE TABLE "operations" (
    "id" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "tenant" TEXT NOT NULL,
    "subject" UUID NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'running',
    "input" JSONB NOT NULL,
    "progress_done" BIGINT NOT NULL DEFAULT 0,
    "result" JSONB,
    "problem" TEXT,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "run" UUID,
    "lease_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "operations_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "operations_kind_check" CHECK ("kind" IN ('removal', 'verification')),
    CONSTRAINT "operations_state_check" CHECK ("state" IN ('running', 'done', 'failed'))
);
CREATE INDEX "operations_subject_kind_id_idx" ON "operations"("subject", "kind", "id");
CREATE INDEX "operations_state_kind_lease_until_idx" ON "operations"("state", "kind", "lease_until");

-- The lists of the HTTP API: neither column is written by a commit.
CREATE INDEX "accounts_tenant_id_idx" ON "accounts"("tenant", "id");

-- The way of a person through Google's consent. The secrets of link, cookie and state are stored as hashes. Its rows outlive the account.
CREATE TABLE "connect_sessions" (
    "id" TEXT NOT NULL,
    "link_hash" BYTEA NOT NULL,
    "tenant" TEXT NOT NULL,
    "ref" TEXT,
    "resources" TEXT[],
    "return_to" TEXT,
    "target" UUID,
    "subject" UUID,
    "project" TEXT NOT NULL,
    "key_id" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'open',
    "outcome" TEXT,
    "missing" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "addresses" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "browser_hash" BYTEA,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "connect_sessions_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "connect_sessions_state_check" CHECK ("state" IN ('open', 'connected', 'failed'))
);
CREATE UNIQUE INDEX "connect_sessions_link_hash_key" ON "connect_sessions"("link_hash");
CREATE INDEX "connect_sessions_tenant_state_idx" ON "connect_sessions"("tenant", "state");
CREATE INDEX "connect_sessions_state_expires_at_idx" ON "connect_sessions"("state", "expires_at");
CREATE INDEX "connect_sessions_expires_at_idx" ON "connect_sessions"("expires_at");

CREATE TABLE "connect_attempts" (
    "state_hash" BYTEA NOT NULL,
    "session_id" TEXT NOT NULL,
    "sealed" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "used_at" TIMESTAMPTZ(3),
    CONSTRAINT "connect_attempts_pkey" PRIMARY KEY ("state_hash"),
    CONSTRAINT "connect_attempts_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "connect_sessions"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "connect_attempts_session_id_idx" ON "connect_attempts"("session_id");

-- Who did what, and what was refused.
CREATE TABLE "audit_log" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "action" TEXT NOT NULL,
    "outcome" TEXT NOT NULL,
    "tenant" TEXT,
    "subject" UUID,
    "key_id" TEXT,
    "session" TEXT,
    "reason" TEXT,
    CONSTRAINT "audit_log_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "audit_log_at_idx" ON "audit_log"("at");
