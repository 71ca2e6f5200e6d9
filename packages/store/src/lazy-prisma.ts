import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import { PrismaClient } from './generated/client.js';

/** Prisma's client costs a process about 80 MB at its first query: workers, which never ask it anything, do not pay. */
export function lazyPrisma(pool: pg.Pool, schema: string): () => PrismaClient {
  let client: PrismaClient | undefined;
  return () =>
    (client ??= new PrismaClient({
      // Prisma puts the name between quotes as it is.
      adapter: new PrismaPg(pool, {
        schema: schema.replaceAll('"', '""'),
        disposeExternalPool: false,
      }),
    }));
}
