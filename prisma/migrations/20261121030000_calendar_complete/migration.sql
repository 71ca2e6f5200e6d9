-- When Google stopped showing a collection to its account: a calendar that it refuses though the list has it is tried again after a while.
ALTER TABLE "collections" ADD COLUMN "gone_at" TIMESTAMPTZ(3);
