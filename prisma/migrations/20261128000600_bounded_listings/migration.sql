-- Listings without an end since the collection was last caught up.
ALTER TABLE "collections" ADD COLUMN "endless_listings" INTEGER NOT NULL DEFAULT 0;
