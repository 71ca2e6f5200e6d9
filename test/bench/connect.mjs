/**
 * connect: `syncline accounts import` of a file, as an operator connects existing customers.
 * Measures the CPU of the command and of Postgres per account, without the command's start, which
 * is measured with a file of one account.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { figure } from './figures.mjs';
import { freshDatabase, withServers } from './fleet.mjs';
import { openMeter, spentBetween } from './meter.mjs';
import { exitedChildrenSeconds, start } from './processes.mjs';

const ACCOUNTS = 2_000;

export async function connect() {
  await withServers(async (servers) => {
    const { url: databaseUrl, pool } = await freshDatabase(servers);
    try {
      console.log(`connect, a file of ${ACCOUNTS} accounts, each with a mailbox and calendars`);
      const env = {
        DATABASE_URL: databaseUrl,
        REDIS_URL: servers.redisUrl,
        SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
      };
      const read = await openMeter(pool, servers.redisUrl, {});
      const first = await imported(env, accounts('first', 1));
      const before = read();
      const all = await imported(env, accounts('user', ACCOUNTS));
      const { rows } = await pool.query('SELECT count(*)::int AS accounts FROM syncline.accounts');
      if (rows[0].accounts !== ACCOUNTS + 1)
        throw new Error(`${rows[0].accounts} accounts are connected`);
      figure(
        'connect, accounts a second',
        (ACCOUNTS - 1) / (all.seconds - first.seconds),
        'accounts/s',
      );
      figure(
        'connect, CPU of the command',
        ((all.cpuSeconds - first.cpuSeconds) * 1_000) / (ACCOUNTS - 1),
        'ms each',
      );
      figure(
        'connect, postgres CPU',
        spentBetween(before, read(), ACCOUNTS / 1_000, all.seconds).each.postgres,
        'ms each',
      );
    } finally {
      await pool.end();
    }
  });
}

function accounts(name, count) {
  return Array.from({ length: count }, (_, i) =>
    JSON.stringify({
      email: `${name}${i}@demo.example`,
      refreshToken: `1//${randomBytes(48).toString('base64url')}`,
      tenant: `tenant-${i % 50}`,
      resources: ['gmail', 'calendar'],
    }),
  ).join('\n');
}

async function imported(env, lines) {
  const began = performance.now();
  const before = exitedChildrenSeconds();
  const command = start(
    'apps/cli/dist/main.js',
    ['accounts', 'import', '-', '--no-verify'],
    env,
    'ignore',
    'pipe',
  );
  command.stdout.resume();
  command.stdin.end(lines);
  const [code] = await once(command, 'exit');
  if (code !== 0) throw new Error(`syncline accounts import ended with ${code}`);
  return {
    seconds: (performance.now() - began) / 1_000,
    cpuSeconds: exitedChildrenSeconds() - before,
  };
}
