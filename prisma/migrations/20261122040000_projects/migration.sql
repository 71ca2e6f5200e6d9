-- Several Google projects (OAuth clients) in one deployment: each account belongs to one, by its name in the configuration.

ALTER TABLE "accounts" ADD COLUMN "project" TEXT NOT NULL DEFAULT 'default';
