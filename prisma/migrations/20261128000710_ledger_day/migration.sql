-- From here on a day of the ledger is a day of Google's quota: it ends at midnight Pacific time. Rows of before keep the UTC day that they were written under.
CREATE INDEX "quota_ledger_day_idx" ON "quota_ledger"("day");
