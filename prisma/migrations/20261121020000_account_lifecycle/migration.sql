-- What a collection remembers of its own trouble (why it is parked, how often it was walked in a day, runs that ended without a word),
-- and items that are to be read again whatever the mirror holds of them.

ALTER TABLE "collections"
    ADD COLUMN "parked" TEXT,
    ADD COLUMN "walks_today" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "walks_since" TIMESTAMPTZ(3),
    ADD COLUMN "audited_at" TIMESTAMPTZ(3),
    ADD COLUMN "audit_drift" INTEGER,
    ADD COLUMN "run_open" BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN "crashes" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "in_flight_item" TEXT,
    ADD COLUMN "in_flight_epoch" BIGINT,
    ADD COLUMN "in_flight_crashes" INTEGER NOT NULL DEFAULT 0;

CREATE TABLE "wanted_items" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "item_id" TEXT NOT NULL,
    CONSTRAINT "wanted_items_pkey" PRIMARY KEY ("account_id", "collection_id", "item_id")
);
