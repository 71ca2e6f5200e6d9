-- Items that could not be read and are tried again soon, before they are stored, gone or quarantined.
CREATE TABLE "failing_items" (
    "account_id" UUID NOT NULL,
    "collection_id" UUID NOT NULL,
    "item_id" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "tries" SMALLINT NOT NULL,
    "first_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "retry_at" TIMESTAMPTZ(3) NOT NULL,
    CONSTRAINT "failing_items_pkey" PRIMARY KEY ("account_id", "collection_id", "item_id")
);
