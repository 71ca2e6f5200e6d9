/**
 * latency: the throughput of one worker process with a realistic latency of Google: 200 mailboxes
 * of 150 messages, every response after 100 ms, quotas off. A whole project of the new tier may
 * read 1,000 messages a second (1,200,000 units a minute).
 */
import { figure } from './figures.mjs';
import { allStored, withFleet, withServers } from './fleet.mjs';
import { spentBetween } from './meter.mjs';
import { usage } from './processes.mjs';

const ACCOUNTS = 200;
const MESSAGES = 150;
const LATENCY_MS = 100;
const CONCURRENCY = 64;

export async function latency() {
  await withServers((servers) =>
    withFleet(
      servers,
      {
        simulator: [
          '--accounts',
          ACCOUNTS,
          '--messages',
          MESSAGES,
          '--calendars',
          1,
          '--latency',
          LATENCY_MS,
        ],
        env: { WORKER_CONCURRENCY: String(CONCURRENCY) },
      },
      async (fleet) => {
        console.log(
          `latency, ${LATENCY_MS} ms an answer, ${ACCOUNTS} mailboxes of ${MESSAGES}, one worker with WORKER_CONCURRENCY=${CONCURRENCY}`,
        );
        const began = performance.now();
        const before = fleet.read();
        await fleet.due();
        await allStored(fleet.pool, ACCOUNTS * MESSAGES);
        const seconds = (performance.now() - began) / 1_000;
        const spent = spentBetween(before, fleet.read(), (ACCOUNTS * MESSAGES) / 1_000, seconds);
        figure(
          'latency 100 ms, messages',
          (ACCOUNTS * MESSAGES) / seconds,
          'messages/s',
          '≥ 1,000',
        );
        figure('latency 100 ms, worker CPU', spent.each.worker, 'CPU s per 1,000');
        console.log(
          `  together ${spent.together.toFixed(2)} CPU s per 1,000; others used ${spent.others.toFixed(2)} cores meanwhile; worker's peak RSS ${Math.round(usage(fleet.workers).peakMb)} MB`,
        );
      },
    ),
  );
}
