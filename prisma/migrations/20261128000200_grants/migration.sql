-- Grants that are refused and may be taken again, and resources that leave an account.
ALTER TABLE "accounts"
    ADD COLUMN "token_version" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "refused_since" TIMESTAMPTZ(3),
    ADD COLUMN "probes" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "probe_at" TIMESTAMPTZ(3),
    ADD COLUMN "erasing" TEXT[] DEFAULT ARRAY[]::TEXT[];
CREATE INDEX "accounts_probe_at_idx" ON "accounts"("probe_at") WHERE "probe_at" IS NOT NULL;

-- Google projects that Google refuses: what waits for one is asked about once for all.
CREATE TABLE "project_failures" (
    "project" TEXT NOT NULL,
    "scope" TEXT NOT NULL,
    "code" TEXT NOT NULL,
    "since" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "refused_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "probe_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "project_failures_pkey" PRIMARY KEY ("project", "scope")
);
CREATE INDEX "collections_waiting_idx" ON "collections"("account_id") WHERE "parked" IN ('client', 'other-client', 'project', 'unknown-project');
