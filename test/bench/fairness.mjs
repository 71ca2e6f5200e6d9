/**
 * fairness: how the arrival of a large tenant affects the others. Twenty watched mailboxes of one
 * tenant change at a steady pace; then a tenant with two hundred full mailboxes connects, and,
 * while those are synced in full, a third tenant with three small ones. Reports the first tenant's
 * freshness before and during, and the third's first sync alone and during.
 *
 * Google's limits and the newcomers' mailboxes are scaled by the same factor, to the capacity of
 * two cores: the two hundred mailboxes saturate the project's quota and not this machine.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startEmbedded } from '@syncline/runtime';
import { makeAccounts, measure, quantiles, withFleet } from './freshness.mjs';

const DATA_DIR = path.resolve(
  path.dirname(fileURLToPath(import.meta.url)),
  '../../.syncline/bench',
);
const SCALE = 0.25;
const STEADY = { accounts: 20, changes: 8, seconds: 50 };
const LARGE = { tenant: 'large', accounts: 200, messages: 1_000 };
const NEWCOMER = { accounts: 3, messages: 500 * SCALE };

export async function fairness() {
  const servers = await startEmbedded({ dataDir: DATA_DIR });
  try {
    console.log(
      `fairness, Google's limits × ${SCALE}: ${LARGE.accounts} mailboxes of ${LARGE.messages} join; ${STEADY.accounts} watched ones of another tenant change ${STEADY.changes} times a second; a third tenant's first sync is ${NEWCOMER.accounts} × ${NEWCOMER.messages}`,
    );
    await withFleet(servers, { accounts: STEADY.accounts, quota: SCALE }, async (stage) => {
      const alone = await firstSync(
        stage,
        'alone',
        await makeAccounts(stage, { tenant: 'alone', ...NEWCOMER }),
      );
      const idle = quantiles(await measure(stage, steady()));
      const [join, come] = [
        await makeAccounts(stage, LARGE),
        await makeAccounts(stage, { tenant: 'beside', ...NEWCOMER }),
      ];
      const [during, beside] = await Promise.all([
        measure(stage, steady()),
        join().then(() => firstSync(stage, 'beside', come)),
      ]);
      const busy = quantiles(during);
      const { rows } = await stage.pool.query(
        "SELECT count(*) FILTER (WHERE c.phase = 'incremental') AS done FROM syncline.collections c WHERE c.tenant = 'large' AND c.kind = 'gmail'",
      );
      if (Number(rows[0].done) === LARGE.accounts)
        throw new Error("the large tenant was done too soon to be in anybody's way");
      console.log(
        `freshness of the steady tenant: idle p50 ${idle.at(0.5)} ms, p99 ${idle.at(0.99)} ms; beside the large one p50 ${busy.at(0.5)} ms, p99 ${busy.at(0.99)} ms: ${(busy.at(0.5) / idle.at(0.5)).toFixed(2)} × and ${(busy.at(0.99) / idle.at(0.99)).toFixed(2)} ×`,
      );
      console.log(
        `first sync of the third tenant: alone ${alone.toFixed(1)} s, beside the large one ${beside.toFixed(1)} s: ${(beside / alone).toFixed(2)} ×`,
      );
      /** @type {any} */
      const ledger = await (await fetch(`${stage.google}/sim/ledger`)).json();
      console.log(`quota violations: ${ledger.violations.total}`);
    });
  } finally {
    await servers.release();
  }
}

function steady() {
  return { ...STEADY, among: (email) => email.endsWith('@demo.example') };
}

/** @returns seconds until every mailbox of the tenant is complete */
async function firstSync(stage, tenant, connect) {
  const began = performance.now();
  await connect();
  for (;;) {
    const { rows } = await stage.pool.query(
      "SELECT count(*) AS done FROM syncline.collections WHERE tenant = $1 AND kind = 'gmail' AND phase = 'incremental' AND progress_done >= $2",
      [tenant, NEWCOMER.messages],
    );
    if (Number(rows[0].done) === NEWCOMER.accounts) return (performance.now() - began) / 1_000;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
