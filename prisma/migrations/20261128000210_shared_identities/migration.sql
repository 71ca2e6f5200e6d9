-- A removal that was told to keep the grant is finished by workers the same way.
ALTER TABLE "accounts" ADD COLUMN "keep_grant" BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX "accounts_erasing_idx" ON "accounts"("updated_at") WHERE "erasing" <> '{}';
-- A collection whose resource leaves the account. What was valid before still is: nothing has to be read again.
ALTER TABLE "collections"
    DROP CONSTRAINT "collections_state_check",
    ADD CONSTRAINT "collections_state_check" CHECK (state IN ('active', 'gone', 'removing')) NOT VALID;
