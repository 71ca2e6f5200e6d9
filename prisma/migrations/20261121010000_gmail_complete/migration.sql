-- Messages of one thread are fetched together where that is cheaper: the walk's list knows the thread of each.
ALTER TABLE "walk_items" ADD COLUMN "thread_id" TEXT;
CREATE INDEX "walk_items_thread_idx" ON "walk_items"("collection_id", "generation", "thread_id") WHERE "thread_id" IS NOT NULL;

-- What the lists of single labels said, until all of them are read and the rows can be compared with it.
CREATE TABLE "walk_labels" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "generation" INTEGER NOT NULL,
    "item_id" TEXT NOT NULL,
    "label_id" TEXT NOT NULL,
    CONSTRAINT "walk_labels_pkey" PRIMARY KEY ("account_id", "collection_id", "generation", "item_id", "label_id")
);
ALTER TABLE "walk_labels" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05);
