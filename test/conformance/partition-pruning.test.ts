import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { syncCollection } from '@syncline/sync';
import { partitionedTables, partitionMirror } from '../support/partitioned.js';
import { onSentStatement, type SentStatement } from '../support/sent-statements.js';
import { startWorld, type World } from '../support/world.js';

/* Statements name rows by account and key: each that runs per page or per sync reads one partition of a hash-partitioned mirror. */

const ROOT = path.resolve(__dirname, '..', '..');

/** Statements that are about all accounts by their nature: they run once a minute or by hand, not per sync. */
const OVER_ALL_ACCOUNTS: readonly RegExp[] = [
  // What the projects have spent today.
  /FROM syncline\.quota_ledger q JOIN syncline\.accounts/,
];

/** Those that a page's commit, a full sync and its clearing are made of. */
const HOT = [
  'message-upsert',
  'body-upsert',
  'message-labels',
  'message-delete',
  'thread-refresh',
  'event-upsert',
  'event-delete',
  'label-upsert',
  'calendar-upsert',
  'feed-append',
  'full-sync-listed',
  'full-sync-next',
  'full-sync-clear',
  'full-sync-labels-clear',
];

let world: World;
const sent = new Map<string, SentStatement>();
beforeAll(async () => {
  onSentStatement((statement) => sent.set(statement.text, statement));
  world = await startWorld({
    seed: 607,
    accounts: 1,
    messagesPerAccount: 60,
    calendarsPerAccount: 1,
    eventsPerCalendar: 10,
  });
  await partitionMirror(world.database.pool);
  await smallLife();
  jest.restoreAllMocks();
}, 120_000);
afterAll(() => world.close());

test('every statement of mirroring, resync, audit and removal reads one partition', async () => {
  const tables = await partitionedTables(world.database.pool);
  const ofMirror = [...sent.values()].filter(
    ({ text }) =>
      /^\s*(?:WITH|SELECT|INSERT|UPDATE|DELETE)\b/.test(text) &&
      tables.some((table) => new RegExp(`syncline\\.${table}\\b`).test(text)) &&
      !OVER_ALL_ACCOUNTS.some((pattern) => pattern.test(text)),
  );
  const names = ofMirror.map(({ name }) => name.replace(/_[0-9a-f]{32}$/, ''));
  expect(names).toEqual(expect.arrayContaining(HOT));
  const wide = [];
  for (const statement of ofMirror) {
    const partitions = await partitionsRead(statement);
    if (partitions.length > 1)
      wide.push(`${statement.name || statement.text.trim().slice(0, 120)}: ${partitions.join()}`);
  }
  expect(wide).toEqual([]);
}, 60_000);

test('a statement without the account is found to read every partition', async () => {
  const found = await partitionsRead({
    name: '',
    text: 'SELECT id FROM syncline.gmail_messages WHERE id = $1',
    values: ['m1'],
  });
  expect(found).toHaveLength(8);
});

test('no statement uses the physical place or the transaction columns of a row', () => {
  const sources = ['packages', 'apps'].flatMap((folder) => sourcesBelow(folder));
  expect(sources.length).toBeGreaterThan(150);
  expect(
    sources.filter((file) =>
      /\b(?:ctid|xmax|xmin|cmin|cmax|tableoid)\b/.test(readFileSync(path.join(ROOT, file), 'utf8')),
    ),
  ).toEqual([]);
});

/** Mirroring, changes, a resync, an audit and a removal. */
async function smallLife(): Promise<void> {
  await world.catchUp();
  await world.control.act(150);
  await world.catchUp();
  await world.control.act(30);
  await world.control.fault({ kind: 'expire-history' });
  await world.catchUp();
  await auditAll();
  const { id } = (await world.store.accounts.list())[0]!;
  await world.store.removal.begin(id);
  await world.store.removal.eraseSome(id);
  await world.store.removal.eraseSome(id);
}

async function auditAll(): Promise<void> {
  const policy = { activeMs: 60_000, idleMs: 900_000, auditEveryMs: 3_600_000 };
  await world.database.pool.query(
    "UPDATE syncline.collections SET full_sync_started_at = now() - interval '2 h', next_sync_at = now()",
  );
  const due = await world.store.schedule.claimDue({ limit: 20, visibilityMs: 60_000 });
  for (const { id } of due) {
    const run = { sliceMs: 5_000, signal: new AbortController().signal };
    for (let kind = 'more'; kind === 'more';)
      ({ kind } = await syncCollection(world.rt, { ...world, policy }, id, run));
  }
}

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Loops'?: number;
  Plans?: PlanNode[];
}

/** The partitions, by number, that the statement scans. It is run and undone. */
async function partitionsRead({ text, values }: SentStatement): Promise<string[]> {
  const session = await world.database.pool.connect();
  try {
    await session.query('BEGIN');
    const { rows } = await session.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${text}`,
      values,
    );
    const scanned = nodesOf(rows[0]!['QUERY PLAN'][0].Plan)
      .filter((node) => node['Node Type'] !== 'ModifyTable' && (node['Actual Loops'] ?? 0) > 0)
      .flatMap((node) => /_p(\d+)$/.exec(node['Relation Name'] ?? '')?.[1] ?? []);
    return [...new Set(scanned)].sort();
  } finally {
    await session.query('ROLLBACK');
    session.release();
  }
}

function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

function sourcesBelow(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = `${folder}/${entry.name}`;
    if (entry.isDirectory())
      return ['node_modules', 'dist', 'generated'].includes(entry.name) ? [] : sourcesBelow(name);
    return /\.(ts|mjs|cjs)$/.test(entry.name) && !entry.name.includes('.test.') ? [name] : [];
  });
}
