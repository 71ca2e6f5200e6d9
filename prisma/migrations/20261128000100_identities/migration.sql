-- Whose mail an account's rows are: a Google identity, known by its `sub` and by the address that Google reported last.
CREATE TABLE "identities" (
    "id" UUID NOT NULL,
    "project" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "identities_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "identity_keys" (
    "project" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "identity_id" UUID NOT NULL,

    CONSTRAINT "identity_keys_pkey" PRIMARY KEY ("project", "kind", "value"),
    CONSTRAINT "identity_keys_identity_id_fkey" FOREIGN KEY ("identity_id") REFERENCES "identities"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "identity_keys_identity_id_idx" ON "identity_keys"("identity_id");

CREATE TABLE "account_aliases" (
    "account_id" UUID NOT NULL,
    "address" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "account_aliases_pkey" PRIMARY KEY ("account_id", "address"),
    CONSTRAINT "account_aliases_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "accounts"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX "account_aliases_address_idx" ON "account_aliases"("address");

ALTER TABLE "accounts"
    ADD COLUMN "reason_code" TEXT,
    ADD COLUMN "identity_id" UUID,
    ADD COLUMN "google_sub" TEXT,
    ADD COLUMN "grant_number" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "verified_grant" INTEGER,
    ADD COLUMN "vouched_grant" INTEGER,
    ADD CONSTRAINT "accounts_identity_id_fkey" FOREIGN KEY ("identity_id") REFERENCES "identities"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
CREATE INDEX "accounts_identity_id_idx" ON "accounts"("identity_id");
-- The rows of these accounts came by the grants that they have.
UPDATE "accounts" SET "verified_grant" = 0;

-- One account an address, whatever the case. Which of two spellings stays is the operator's to decide.
DO $$
DECLARE twice TEXT;
BEGIN
  SELECT string_agg(id::text, ', ') INTO twice FROM (
    SELECT id, count(*) OVER (PARTITION BY tenant, lower(email)) AS spellings FROM "accounts" ORDER BY tenant, lower(email), created_at) AS known
   WHERE spellings > 1;
  IF twice IS NOT NULL THEN
    RAISE EXCEPTION 'these accounts have the address of another account of their tenant, in another case: %. Remove all but one of each address with the version before (syncline accounts remove), then migrate again', twice;
  END IF;
END $$;
CREATE UNIQUE INDEX "accounts_address_key" ON "accounts" (lower("email"), "tenant");
