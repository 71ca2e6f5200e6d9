-- How far back a mailbox is mirrored. What is there already was walked to the beginning, which is what NULL says.
ALTER TABLE "collections" ADD COLUMN "window_from" TIMESTAMPTZ(3),
ADD COLUMN "window_goal" TIMESTAMPTZ(3);
