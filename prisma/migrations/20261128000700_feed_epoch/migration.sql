-- The change feed has an epoch. Within one, a number stands for one change; after a restore numbers are given out again, in another epoch.
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

-- A database with accounts may be a restored one: its first epoch is one that no other database had.
INSERT INTO "feed_state" ("epoch")
SELECT CASE WHEN EXISTS (SELECT 1 FROM "accounts") THEN floor(extract(epoch FROM clock_timestamp()))::bigint ELSE 1 END;

ALTER TABLE "accounts"
    ADD COLUMN "feed_epoch" BIGINT NOT NULL DEFAULT 1,
    ADD COLUMN "feed_epoch_start" BIGINT NOT NULL DEFAULT 0;
UPDATE "accounts" SET "feed_epoch" = (SELECT "epoch" FROM "feed_state");
