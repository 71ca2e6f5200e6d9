-- A removal that was told to keep the grant is finished by workers the same way.
ALTER TABLE "accounts" ADD COLUMN "keep_grant" BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX "accounts_erasing_idx" ON "accounts"("updated_at") WHERE "erasing" <> '{}';
