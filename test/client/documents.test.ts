import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Person } from '../support/connect-world.js';
import { redisUrl, testDatabase, type TestDatabase } from '../support/database.js';
import { endProcess, lineOf, startProgram, type Started } from '../support/processes.js';
import { runShell } from '../support/shell.js';

/*
 * The documents of the HTTP API, against the demo that they tell to start. A block ```js file=NAME
 * is a file, and the blocks ```sh run of a page are one script.
 */

const ROOT = path.resolve(__dirname, '../..');
/** What the script of each page prints. */
const PAGES: readonly [string, RegExp[]][] = [
  [
    'docs/tutorial-http.md',
    [
      /"freshness":\{"asOf":/,
      /"fresh":true/,
      /"origin":"/,
      /\d+ messages; waiting for changes/,
      /^(?:created|updated|deleted) \w+: \d+ messages$/m,
    ],
  ],
  [
    'docs/how-to/changes.md',
    [
      /^\d+ \w+ (?:created|updated|deleted) /m,
      /"next":2,/,
      /\{"epoch":1,"seq":1,.*\n\{"epoch":1,"seq":2,/,
    ],
  ],
  ['docs/how-to/exactly-once.md', [/^listed\napplied \d+$/m]],
  ['docs/how-to/fresh-reads.md', [/"freshness":/, /10 \d{4}-/]],
  [
    'packages/client/README.md',
    [/^\d+ messages$/m, /^(?:created|updated|deleted)/m, /^applied \d+$/m],
  ],
  // The last: it revokes the grant of an account.
  [
    'docs/how-to/connect.md',
    [
      /^\{"id":"cs_.*"url":"http/,
      /"state":"open","outcome":null/,
      /\{"data":\[.*\],"next":null\}\{"id":"cs_.*"ref":null/,
      /\{"id":\d+\}\s*$/,
    ],
  ],
];
const KEYS = 'docs/how-to/api-keys.md';
/** Blocks that are run in another way: the command that starts the demo of this test. */
const OTHERWISE = ['npm run demo -- --accounts 3\n', 'npm run example    # '];
/** A person of the demo without an account. */
const NEWCOMER = 'newcomer@demo.example';

let directory: string;
let demo: Started;
let own: TestDatabase;
let env: Record<string, string>;

beforeAll(async () => {
  mkdirSync(path.join(ROOT, '.syncline'), { recursive: true });
  directory = mkdtempSync(path.join(ROOT, '.syncline/documents-'));
  own = await testDatabase();
  await own.pool.query('CREATE SCHEMA own');
  const ownUrl = new URL(own.url);
  ownUrl.searchParams.set('options', '-c search_path=own');
  const size = '--accounts 3 --messages 60 --calendars 1 --contacts 5 --workers 1 --rate 40';
  demo = startProgram('cli', { SYNCLINE_DATA_DIR: path.join(directory, 'data') }, [
    'demo',
    ...size.split(' '),
  ]);
  const line = await lineOf(demo, (text) => text.includes('export SYNCLINE_API_URL='), 90_000);
  const [, url = '', key = ''] = /SYNCLINE_API_URL=(\S+) SYNCLINE_API_KEY=(\S+)/.exec(line) ?? [];
  env = { SYNCLINE_API_URL: url, SYNCLINE_API_KEY: key, CONSUMER_DATABASE_URL: ownUrl.href };
  const simulator = await lineOf(demo, (text) => text.startsWith('simulator: '));
  env['SIMULATOR'] = / at (http[^,]+),/.exec(simulator)?.[1] ?? '';
  env['ACCOUNT'] = await mirrored(url, key);
});
afterAll(async () => {
  await endProcess(demo);
  await own.drop();
  rmSync(directory, { recursive: true });
});

/** Waits until the first account is mirrored. @returns its id */
async function mirrored(url: string, key: string): Promise<string> {
  for (;;) {
    const answer = await fetch(`${url}/v1/accounts?limit=1`, {
      headers: { Authorization: `Bearer ${key}` },
    });
    const { data } = (await answer.json()) as {
      data: { id: string; collections: { phase: string }[] }[];
    };
    if (data[0]?.collections.every(({ phase }) => phase === 'incremental')) return data[0].id;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

interface Block {
  language: string;
  how: string;
  text: string;
}

function blocksOf(page: string): Block[] {
  const text = readFileSync(path.join(ROOT, page), 'utf8');
  return [...text.matchAll(/^```(\w+) ?(.*)\n([^]*?)^```$/gm)].map(
    ([, language = '', how = '', block = '']) => ({ language, how, text: block }),
  );
}

const scriptOf = (page: string): string =>
  blocksOf(page)
    .filter(({ how }) => how === 'run')
    .map(({ text }) => text)
    .join('\n');

test.each(PAGES)('the programs of %s run', async (page, printed) => {
  for (const { how, text } of blocksOf(page))
    if (how.startsWith('file=')) writeFileSync(path.join(directory, how.slice(5)), text);
  const { code, stdout, stderr } = await runShell(scriptOf(page), { cwd: directory, env });
  expect([stderr, code]).toEqual(['', 0]);
  for (const part of printed) expect(stdout).toMatch(part);
});

test('the person whom the demo names connects an account by the link that it prints', async () => {
  expect(await lineOf(demo, (text) => text.includes(NEWCOMER))).toContain('not connected yet');
  const link = /(http\S+)/.exec(await lineOf(demo, (text) => text.includes('  connect  ')))?.[1];
  const script = { email: NEWCOMER };
  await fetch(`${env['SIMULATOR']}/sim/consents`, { method: 'POST', body: JSON.stringify(script) });
  const person = new Person();
  await person.visit(await person.toGoogle(String(link)));
  const listed = await fetch(`${env['SYNCLINE_API_URL']}/v1/accounts?limit=100`, {
    headers: { Authorization: `Bearer ${env['SYNCLINE_API_KEY']}` },
  });
  const { data } = (await listed.json()) as { data: { email: string }[] };
  expect(data.map(({ email }) => email)).toContain(NEWCOMER);
});

test('the consumer that applies exactly once has a row for each message that it has seen', async () => {
  const { rows } = await own.pool.query<{ count: string }>('SELECT count(*) FROM own.subjects');
  expect(Number(rows[0]?.count)).toBeGreaterThan(10);
});

test('the commands of the page about keys make a key that is listed', async () => {
  const { code, stdout } = await runShell(scriptOf(KEYS), {
    cwd: ROOT,
    env: {
      DATABASE_URL: own.url,
      REDIS_URL: redisUrl(),
      SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
    },
  });
  expect(code).toBe(0);
  expect(stdout).toMatch(/"key":\s*"synk_[0-9A-Za-z]{10}_[0-9A-Za-z]{49}"/);
  expect(stdout).toMatch(/backend +acme/);
});

test('no block of these pages is run by no test', () => {
  const blocks = [...PAGES.map(([page]) => page), KEYS].flatMap(blocksOf);
  const others = blocks.filter(
    ({ how, text }) =>
      how !== 'run' && !how.startsWith('file=') && !OTHERWISE.some((one) => text.startsWith(one)),
  );
  expect(others).toEqual([]);
  expect(blocks.length).toBeGreaterThan(15);
});
