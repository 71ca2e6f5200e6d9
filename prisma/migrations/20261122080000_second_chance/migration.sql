-- When an item is tried again by itself: what was in hand when workers died may have been there by chance. Null is never.
ALTER TABLE "quarantined_items" ADD COLUMN "retry_at" TIMESTAMPTZ(3);
