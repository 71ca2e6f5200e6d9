-- One check of a grant at a time asks for an account's stored messages.
ALTER TABLE "accounts" ADD COLUMN "checking_until" TIMESTAMPTZ(3);
