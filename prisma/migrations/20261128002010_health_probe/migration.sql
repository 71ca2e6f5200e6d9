-- Processes are ready while they can write here. The table has 64 rows at most, whatever number of processes there is.
CREATE TABLE "health_probe" (
    "slot" SMALLINT NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "health_probe_pkey" PRIMARY KEY ("slot"),
    CONSTRAINT "health_probe_slots" CHECK ("slot" BETWEEN 0 AND 63)
);
