import pg from 'pg';
import type { PrismaClient } from './generated/client.js';
import { inTransaction } from './transaction.js';

/** Opens Prisma's client at the first call. */
export type OpenPrisma = () => Promise<PrismaClient>;

/**
 * Prisma's client costs a process 60 ms when it is loaded and about 80 MB at its first query.
 * Workers never use it, so they do not load it.
 */
export function lazyPrisma(pool: pg.Pool, schema: string): OpenPrisma {
  let client: Promise<PrismaClient> | undefined;
  return () => (client ??= openPrisma(pool, schema));
}

async function openPrisma(pool: pg.Pool, schema: string): Promise<PrismaClient> {
  const { PrismaPg } = await import('@prisma/adapter-pg');
  const { PrismaClient: Client } = await import('./generated/client.js');
  return new Client({
    // Prisma puts the name between quotes without a change.
    adapter: new PrismaPg(inUtc(pool), {
      schema: schema.replaceAll('"', '""'),
      disposeExternalPool: false,
    }),
  });
}

/**
 * Wraps the pool for Prisma's adapter. The adapter reads and writes dates without an offset, so
 * each of its statements runs in a transaction with time zone UTC. Prisma is only used for reads;
 * writes go through `inTransaction`.
 */
function inUtc(pool: pg.Pool): pg.Pool {
  return Object.assign(new pg.Pool(pool.options), {
    query: (statement: pg.QueryConfig) =>
      inTransaction(pool, (transaction) => {
        transaction.send({ text: "SET LOCAL timezone = 'UTC'" });
        return transaction.query(statement);
      }),
    connect: () => Promise.reject(new Error("Prisma's transactions are not used: inTransaction")),
  });
}
