-- The messages' RFC 822 sources, for operators who keep them (MIRROR_BODIES=raw). Out of line and uncompressed like the bodies.
CREATE TABLE "gmail_sources" (
    "account_id" UUID NOT NULL,
    "message_id" TEXT NOT NULL,
    "source" BYTEA NOT NULL,
    CONSTRAINT "gmail_sources_pkey" PRIMARY KEY ("account_id", "message_id")
);
ALTER TABLE "gmail_sources" ALTER COLUMN "source" SET STORAGE EXTERNAL;
