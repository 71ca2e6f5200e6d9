-- The first schema: accounts and their sealed credentials, collections with cursor and lease,
-- the mirror of Gmail and Calendar, the walk's list, quarantine, change feed and quota ledger.

CREATE TABLE "accounts" (
    "id" UUID NOT NULL,
    "tenant" TEXT NOT NULL,
    "email" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'active',
    "reason" TEXT,
    "resources" TEXT[],
    "feed_seq" BIGINT NOT NULL DEFAULT 0,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "accounts_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "accounts_state_check" CHECK ("state" IN ('active', 'reauth_required', 'paused', 'disabled', 'removing'))
);
CREATE UNIQUE INDEX "accounts_tenant_email_key" ON "accounts"("tenant", "email");

CREATE TABLE "credentials" (
    "account_id" UUID NOT NULL,
    "sealed" BYTEA NOT NULL,
    "key_id" TEXT NOT NULL,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "credentials_pkey" PRIMARY KEY ("account_id"),
    CONSTRAINT "credentials_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE CASCADE
);

CREATE TABLE "collections" (
    "id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "external_id" TEXT NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'active',
    "phase" TEXT NOT NULL DEFAULT 'new',
    "generation" INTEGER NOT NULL DEFAULT 0,
    "cursor" JSONB NOT NULL DEFAULT '{"phase":"new"}',
    "progress_done" BIGINT NOT NULL DEFAULT 0,
    "progress_total" BIGINT,
    "walk_started_at" TIMESTAMPTZ(3),
    "lease_epoch" BIGINT NOT NULL DEFAULT 0,
    "lease_until" TIMESTAMPTZ(3),
    "lease_holder" TEXT,
    "wanted_at" TIMESTAMPTZ(6),
    "wanted_full" BOOLEAN NOT NULL DEFAULT false,
    "run_started_at" TIMESTAMPTZ(6),
    "served_at" TIMESTAMPTZ(6),
    "last_synced_at" TIMESTAMPTZ(3),
    "last_change_at" TIMESTAMPTZ(3),
    "next_sync_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,
    CONSTRAINT "collections_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "collections_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "collections_kind_check" CHECK ("kind" IN ('gmail', 'calendar-list', 'calendar-events')),
    CONSTRAINT "collections_state_check" CHECK ("state" IN ('active', 'gone')),
    CONSTRAINT "collections_phase_check" CHECK ("phase" IN ('new', 'backfill', 'follow'))
);
CREATE UNIQUE INDEX "collections_account_id_kind_external_id_key" ON "collections"("account_id", "kind", "external_id");
-- The scheduler's question, "what is due?", reads this index in order and nothing else.
CREATE INDEX "collections_due_idx" ON "collections"("next_sync_at") WHERE "state" = 'active';

CREATE TABLE "walk_items" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "generation" INTEGER NOT NULL,
    "item_id" TEXT NOT NULL,
    "ordinal" BIGINT NOT NULL,
    "wanted" BOOLEAN NOT NULL,
    "attempts" SMALLINT NOT NULL DEFAULT 0,
    "not_before" TIMESTAMPTZ(3),
    CONSTRAINT "walk_items_pkey" PRIMARY KEY ("account_id", "collection_id", "generation", "item_id")
);
-- "The next items to fetch": a range scan from the cursor's position.
CREATE INDEX "walk_items_next_idx" ON "walk_items"("collection_id", "generation", "ordinal") WHERE "wanted";

CREATE TABLE "quarantined_items" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "item_id" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 1,
    "first_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "quarantined_items_pkey" PRIMARY KEY ("account_id", "collection_id", "item_id")
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

CREATE TABLE "changes" (
    "account_id" UUID NOT NULL,
    "seq" BIGINT NOT NULL,
    "entity" TEXT NOT NULL,
    "entity_id" TEXT NOT NULL,
    "calendar_id" TEXT,
    "op" TEXT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "changes_pkey" PRIMARY KEY ("account_id", "seq"),
    CONSTRAINT "changes_op_check" CHECK ("op" IN ('created', 'updated', 'deleted'))
);

CREATE TABLE "quota_ledger" (
    "account_id" UUID NOT NULL,
    "day" DATE NOT NULL,
    "method" TEXT NOT NULL,
    "calls" BIGINT NOT NULL,
    "units" BIGINT NOT NULL,
    CONSTRAINT "quota_ledger_pkey" PRIMARY KEY ("account_id", "day", "method")
);

-- Bodies and Google's own JSON are kept out of line and uncompressed: compressing them (pglz) cost the server
-- more than half of its CPU during a backfill, for a disk saving of about a third.
ALTER TABLE "gmail_bodies" ALTER COLUMN "text_plain" SET STORAGE EXTERNAL;
ALTER TABLE "gmail_bodies" ALTER COLUMN "text_html" SET STORAGE EXTERNAL;
ALTER TABLE "gmail_messages" ALTER COLUMN "resource" SET STORAGE EXTERNAL;
ALTER TABLE "calendar_events" ALTER COLUMN "resource" SET STORAGE EXTERNAL;

-- The walk's list is written and emptied wholesale: vacuum it early.
ALTER TABLE "walk_items" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
