-- A sweep that waits for evidence: rows that one complete listing did not name, and what is waited for.
ALTER TABLE "collections" ADD COLUMN "held_since" TIMESTAMPTZ(3);
ALTER TABLE "collections" ADD COLUMN "held_rows" INTEGER;
ALTER TABLE "collections" ADD COLUMN "held_for" TEXT;
ALTER TABLE "collections" ADD COLUMN "held_until" TIMESTAMPTZ(3);
ALTER TABLE "collections" ADD COLUMN "held_discards" INTEGER NOT NULL DEFAULT 0;

CREATE INDEX "collections_held" ON "collections"("kind") WHERE "held_since" IS NOT NULL;

CREATE TABLE "held_items" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "generation" INTEGER NOT NULL,
    "item_id" TEXT NOT NULL,

    CONSTRAINT "held_items_pkey" PRIMARY KEY ("account_id","collection_id","generation","item_id")
);
