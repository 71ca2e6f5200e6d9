-- Doorbells: what Google has promised to ring for, when that has to be looked after, and the channels it rings by.
-- A doorbell itself is one write to the collection that it is about.

ALTER TABLE "collections" ADD COLUMN "rung_at" TIMESTAMPTZ(6);

CREATE TABLE "watches" (
    "collection_id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "state" TEXT NOT NULL DEFAULT 'wanted',
    "target" TEXT,
    "address" TEXT,
    "due_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "epoch" BIGINT NOT NULL DEFAULT 0,
    "held_until" TIMESTAMPTZ(3),
    "begun_at" TIMESTAMPTZ(6),
    "watched_at" TIMESTAMPTZ(6),
    "expires_at" TIMESTAMPTZ(3),
    "heard_at" TIMESTAMPTZ(6),
    "silent_since" TIMESTAMPTZ(6),
    "silences" INTEGER NOT NULL DEFAULT 0,
    "failures" INTEGER NOT NULL DEFAULT 0,
    "error" TEXT,
    CONSTRAINT "watches_pkey" PRIMARY KEY ("collection_id"),
    CONSTRAINT "watches_collection_id_fkey" FOREIGN KEY ("collection_id") REFERENCES "collections"("id") ON DELETE CASCADE ON UPDATE CASCADE,
    CONSTRAINT "watches_state_check" CHECK ("state" IN ('wanted', 'on', 'off', 'unwatchable', 'refused'))
);
-- "Which are to be looked after?", in order and nothing else; "whose mailbox is this?"; "which are the account's?".
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
    CONSTRAINT "channels_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "channels_collection_id_fkey" FOREIGN KEY ("collection_id") REFERENCES "collections"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "channels_collection_id_idx" ON "channels"("collection_id");
CREATE INDEX "channels_account_id_idx" ON "channels"("account_id");
