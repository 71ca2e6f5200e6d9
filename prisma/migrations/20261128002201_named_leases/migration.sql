-- Work that one process at a time may do, by name. A session lock would stay on the server connection that a pooler gives to the next client.
CREATE TABLE "named_leases" (
    "name" TEXT NOT NULL,
    "token" UUID NOT NULL,
    "host" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "acquired_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "heartbeat_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "named_leases_pkey" PRIMARY KEY ("name")
);
