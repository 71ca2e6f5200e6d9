import { defineConfig } from 'prisma/config';

const url = new URL(process.env['DATABASE_URL'] ?? 'postgresql://syncline@127.0.0.1:5432/syncline');
if (!url.searchParams.has('schema')) url.searchParams.set('schema', 'syncline');

/** The address is only used by commands that look at a database; generate, validate and format need none. Its schema is the programs' default. */
export default defineConfig({
  schema: 'prisma/schema',
  migrations: { path: 'prisma/migrations' },
  datasource: { url: url.href },
});
