/** What the benchmarks share: an empty database, and the simulator's accounts in it. */
import { createRuntime } from '@syncline/runtime';
import { migrate, openStore } from '@syncline/store';
import pg from 'pg';

/** An empty database with the schema; the last benchmark's is dropped. */
export async function freshDatabase(servers) {
  const url = new URL(servers.databaseUrl);
  const admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  await admin.query('DROP DATABASE IF EXISTS syncline_bench WITH (FORCE)');
  await admin.end();
  url.pathname = '/syncline_bench';
  await migrate(url.href);
  return { url: url.href, pool: new pg.Pool({ connectionString: url.href, max: 2 }) };
}

export async function importAccounts(databaseUrl, masterKey, api) {
  const store = await openBenchStore(databaseUrl, masterKey);
  for (const { email, refreshToken } of await accountsOf(api)) await store.accounts.import({ email, refreshToken, tenant: 'default', resources: ['gmail'] });
  await store.close();
}

export async function accountsOf(api) {
  const lines = await (await fetch(`${api}/sim/accounts`)).text();
  return lines.trim().split('\n').map((line) => JSON.parse(line));
}

export function openBenchStore(databaseUrl, masterKey) {
  return openStore(createRuntime({ service: 'bench', logLevel: 'warn', stdout: 'stderr' }), { databaseUrl, masterKey });
}
