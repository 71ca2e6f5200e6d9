-- Which master keys seal and are being replaced, and which process holds which. Key ids only.
CREATE TABLE "master_keys" (
    "key_id" TEXT NOT NULL,
    "current_since" TIMESTAMPTZ(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "is_retiring" BOOLEAN NOT NULL DEFAULT false,
    "retired_at" TIMESTAMPTZ(3),

    CONSTRAINT "master_keys_pkey" PRIMARY KEY ("key_id")
);

CREATE TABLE "process_keys" (
    "process" TEXT NOT NULL,
    "service" TEXT NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "key_ids" TEXT[],
    "sealing_key" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "process_keys_pkey" PRIMARY KEY ("process")
);

ALTER TABLE "channels" ADD COLUMN "key_id" TEXT;
CREATE INDEX "channels_key_id_idx" ON "channels"("key_id");
CREATE INDEX "credentials_key_id_account_id_idx" ON "credentials"("key_id", "account_id");
