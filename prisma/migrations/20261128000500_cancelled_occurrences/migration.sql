-- Cancelled occurrences whose series is not stored: they become rows of calendar_events when the series comes.
CREATE TABLE "cancelled_occurrences" (
    "account_id" UUID NOT NULL,
    "calendar_id" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "ical_uid" TEXT,
    "summary" TEXT,
    "recurring_event_id" TEXT,
    "is_recurring" BOOLEAN NOT NULL,
    "start_date" DATE,
    "start_at" TIMESTAMPTZ(3),
    "start_zone" TEXT,
    "end_date" DATE,
    "end_at" TIMESTAMPTZ(3),
    "end_zone" TEXT,
    "etag" TEXT,
    "resource" JSONB NOT NULL,

    CONSTRAINT "cancelled_occurrences_pkey" PRIMARY KEY ("account_id","calendar_id","id")
);

CREATE INDEX "cancelled_occurrences_account_id_calendar_id_recurring_even_idx" ON "cancelled_occurrences"("account_id", "calendar_id", "recurring_event_id");
