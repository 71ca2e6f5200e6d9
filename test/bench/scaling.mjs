/**
 * scaling: 1, 2 and 4 worker processes on mailboxes with a slow Google (half a second per
 * response), so that waiting and not the machine limits the pace: the messages of a steady period,
 * and which share of n times one worker's pace n workers reach.
 */
import { figure } from './figures.mjs';
import { withFleet, withServers } from './fleet.mjs';
import { spentBetween } from './meter.mjs';

const LATENCY_MS = 500;
const ACCOUNTS = 300;
const MESSAGES = 600;
const CONCURRENCY = 16;
const WARM_UP_MS = 6_000;
const STRETCH_MS = 15_000;

export async function scaling() {
  await withServers(async (servers) => {
    console.log(
      `scaling, ${LATENCY_MS} ms an answer, workers with WORKER_CONCURRENCY=${CONCURRENCY} each`,
    );
    const one = await paceOf(servers, 1);
    for (const workers of [2, 4]) {
      const pace = await paceOf(servers, workers);
      figure(
        `scaling 1 → ${workers} workers, efficiency`,
        (100 * pace) / (workers * one),
        '%',
        '≥ 90',
      );
    }
  });
}

async function paceOf(servers, workers) {
  const simulator = [
    '--accounts',
    ACCOUNTS,
    '--messages',
    MESSAGES,
    '--calendars',
    1,
    '--body-bytes',
    500,
    '--latency',
    LATENCY_MS,
  ];
  return withFleet(
    servers,
    { simulator, workers, env: { WORKER_CONCURRENCY: String(CONCURRENCY) } },
    async (fleet) => {
      await fleet.due();
      await pause(WARM_UP_MS);
      const [from, began, before] = [await stored(fleet.pool), performance.now(), fleet.read()];
      await pause(STRETCH_MS);
      const messages = (await stored(fleet.pool)) - from;
      const seconds = (performance.now() - began) / 1_000;
      const spent = spentBetween(before, fleet.read(), seconds, seconds);
      figure(
        `scaling, ${workers} worker${workers > 1 ? 's' : ''}`,
        messages / seconds,
        'messages/s',
      );
      console.log(
        `  together ${spent.together.toFixed(2)} cores; others used ${spent.others.toFixed(2)} meanwhile`,
      );
      return messages / seconds;
    },
  );
}

async function stored(pool) {
  const { rows } = await pool.query(
    'SELECT coalesce(sum(progress_done), 0) AS stored FROM syncline.collections',
  );
  return Number(rows[0].stored);
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
