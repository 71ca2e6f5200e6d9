-- A collection's tenant, repeated from its account: due work is handed out in turns by tenant, from the index alone.
-- The default is for programs of the version before, which run on while a new one is rolled out.
ALTER TABLE "collections" ADD COLUMN "tenant" TEXT NOT NULL DEFAULT '';
UPDATE "collections" c SET "tenant" = a."tenant" FROM "accounts" a WHERE a."id" = c."account_id";

-- One range of the index a queue, oldest first. What the index says of a row changes only with its schedule and its phase.
CREATE INDEX "collections_due_by_queue_idx" ON "collections" (("kind" = 'gmail'), ("phase" <> 'follow' OR "wanted_full"), "next_sync_at") INCLUDE ("tenant") WHERE "state" = 'active';
DROP INDEX "collections_due_idx";
