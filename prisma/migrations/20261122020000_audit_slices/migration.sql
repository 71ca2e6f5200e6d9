-- An audit goes on over several slices: where it stands, what it has found so far, and the ids that it has listed or still has to look at.

ALTER TABLE "collections"
    ADD COLUMN "audit_position" JSONB,
    ADD COLUMN "audit_begun_at" TIMESTAMPTZ(3),
    ADD COLUMN "audit_sliced_at" TIMESTAMPTZ(3),
    ADD COLUMN "audit_so_far" BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN "audit_drift_so_far" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "audit_checked" BIGINT,
    ADD COLUMN "audit_contents" BIGINT;

CREATE TABLE "audit_items" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "suspect" BOOLEAN NOT NULL,
    "item_id" TEXT NOT NULL,
    CONSTRAINT "audit_items_pkey" PRIMARY KEY ("account_id", "collection_id", "suspect", "item_id")
);
