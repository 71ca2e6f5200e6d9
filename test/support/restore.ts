import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { serverUrl } from './database.js';

/**
 * Copies a database in its current state, like a restored dump: the same rows in another database.
 */
export async function copyOf(databaseUrl: string): Promise<string> {
  const copy = new URL(databaseUrl);
  copy.pathname = `/test_${randomUUID().slice(0, 8)}`;
  await asAdmin(async (admin) => {
    for (let tries = 0; ; tries++) {
      await endSessions(admin, databaseUrl);
      try {
        await admin.query(`CREATE DATABASE ${nameOf(copy.href)} TEMPLATE ${nameOf(databaseUrl)}`);
        return;
      } catch (error) {
        // 55006: another session has connected meanwhile.
        if ((error as { code?: string }).code !== '55006' || tries === 50) throw error;
      }
    }
  });
  return copy.href;
}

/**
 * Replaces a database by a copy under the same name, as a restore in place does. Every session
 * ends.
 */
export async function putInPlace(copyUrl: string, databaseUrl: string): Promise<void> {
  await asAdmin(async (admin) => {
    await admin.query(`DROP DATABASE ${nameOf(databaseUrl)} WITH (FORCE)`);
    await endSessions(admin, copyUrl);
    await admin.query(`ALTER DATABASE ${nameOf(copyUrl)} RENAME TO ${nameOf(databaseUrl)}`);
  });
}

export async function dropCopy(databaseUrl: string): Promise<void> {
  await asAdmin((admin) =>
    admin.query(`DROP DATABASE IF EXISTS ${nameOf(databaseUrl)} WITH (FORCE)`),
  );
}

async function endSessions(admin: pg.Client, databaseUrl: string): Promise<void> {
  await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [
    nameOf(databaseUrl),
  ]);
}

async function asAdmin(work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: serverUrl() });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}

function nameOf(databaseUrl: string): string {
  return new URL(databaseUrl).pathname.slice(1);
}
