import { defineConfig } from 'prisma/config';

/** The address is only used by commands that look at a database; generate, validate and format need none. */
export default defineConfig({
  schema: 'prisma/schema',
  migrations: { path: 'prisma/migrations' },
  datasource: {
    url: process.env['DATABASE_URL'] ?? 'postgresql://syncline@127.0.0.1:5432/syncline',
  },
});
