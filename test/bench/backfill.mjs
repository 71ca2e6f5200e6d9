/**
 * backfill: a mailbox of 20,000 messages, and twenty of 1,000, from the simulator (quotas off, no
 * latency) into Postgres, by a scheduler and one worker as an operator runs them, all on this
 * machine. The comparison is the simplest loop: one googleapis messages.get and one Prisma upsert
 * at a time.
 */
import { figure } from './figures.mjs';
import { accountsOf, allStored, freshDatabase, withFleet, withServers } from './fleet.mjs';
import { spentBetween } from './meter.mjs';
import { plainLoop } from './plain-loop.mjs';
import { firstLine, start, stop, usage } from './processes.mjs';

const PLAIN_MESSAGES = 500;

export async function backfill() {
  await withServers(async (servers) => {
    console.log(
      'backfill, quotas off, no latency; simulator, Postgres, Redis, scheduler and one worker on this machine',
    );
    const large = await fleetRun(servers, 'one mailbox of 20,000', {
      accounts: 1,
      messages: 20_000,
    });
    await fleetRun(servers, '20 mailboxes of 1,000', { accounts: 20, messages: 1_000 });
    const plain = await plainRun(servers);
    figure('plain loop, messages', plain.perSecond, 'messages/s');
    figure('plain loop, client CPU', plain.cpuPer1000, 'CPU s per 1,000');
    figure('backfill against the plain loop, messages', large.perSecond / plain.perSecond, '×');
    figure(
      'backfill against the plain loop, client CPU',
      plain.cpuPer1000 / large.each.worker,
      '× less',
    );
  });
}

async function fleetRun(servers, what, { accounts, messages }) {
  return withFleet(
    servers,
    { simulator: ['--accounts', accounts, '--messages', messages, '--calendars', 1] },
    async (fleet) => {
      const total = accounts * messages;
      const began = performance.now();
      const before = fleet.read();
      await fleet.due();
      await allStored(fleet.pool, total);
      const seconds = (performance.now() - began) / 1_000;
      const spent = spentBetween(before, fleet.read(), total / 1_000, seconds);
      figure(`${what}, messages`, total / seconds, 'messages/s', '≥ 1,500');
      figure(`${what}, worker CPU`, spent.each.worker, 'CPU s per 1,000', '≤ 0.6');
      for (const name of ['postgres', 'redis', 'scheduler', 'simulator'])
        figure(`${what}, ${name} CPU`, spent.each[name], 'CPU s per 1,000');
      console.log(
        `  together ${spent.together.toFixed(2)} CPU s per 1,000; others used ${spent.others.toFixed(2)} cores meanwhile; worker's peak RSS ${Math.round(usage(fleet.workers).peakMb)} MB`,
      );
      return { perSecond: total / seconds, each: spent.each };
    },
  );
}

async function plainRun(servers) {
  const { url, pool } = await freshDatabase(servers);
  const simulator = start(
    'packages/simulator/dist/main.js',
    [
      '--no-quota',
      '--seed',
      '1',
      '--accounts',
      '1',
      '--messages',
      String(PLAIN_MESSAGES),
      '--calendars',
      '1',
    ],
    {},
    'ignore',
  );
  try {
    const api = JSON.parse(await firstLine(simulator)).url;
    const [{ refreshToken }] = await accountsOf(api);
    return await plainLoop({ api, refreshToken, databaseUrl: url });
  } finally {
    await stop(simulator);
    await pool.end();
  }
}
