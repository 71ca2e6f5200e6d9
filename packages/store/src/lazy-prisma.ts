import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import { PrismaClient } from './generated/client.js';

/** Prisma's client costs a process about 80 MB at its first query: workers, which never ask it anything, do not pay. */
export function lazyPrisma(pool: pg.Pool): () => PrismaClient {
  let client: PrismaClient | undefined;
  return () =>
    (client ??= new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: false }) }));
}
