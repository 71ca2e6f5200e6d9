import { startApi, type ApiWorld } from '../support/api-world.js';

/* Accounts that are connected by lines (application/x-ndjson). */

let world: ApiWorld;
let key: string;

beforeAll(async () => {
  world = await startApi();
  key = await world.key();
});
afterAll(() => world.close());

interface Line {
  line: number;
  result: string;
  id: string | null;
  problem: string | null;
  note: string | null;
}

async function send(
  body: string,
  { apiKey = key, headers = {} }: { apiKey?: string; headers?: Record<string, string> } = {},
): Promise<{ status: number; media: string | null; text: string }> {
  const answer = await fetch(`${world.origin}/v1/accounts?verify=false`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${apiKey}`,
      'Content-Type': 'application/x-ndjson',
      ...headers,
    },
    body,
  });
  const { status } = answer;
  return { status, media: answer.headers.get('content-type'), text: await answer.text() };
}

function linesOf(text: string): Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

const account = (email: string, more: object = {}): string =>
  JSON.stringify({ email, refreshToken: `1//${email}`, tenant: 'acme', ...more });

test('each line is imported, and answered in its place', async () => {
  const { status, media, text } = await send(
    [
      account('a@example.com'),
      '',
      'not JSON',
      account('A@example.com'),
      account('b@example.com', { project: 'unknown' }),
      account('c@example.com', { refreshToken: 'x'.repeat(70_000) }),
      account('d@example.com', { resources: ['gmail'] }),
    ].join('\n'),
  );
  expect([status, media]).toEqual([200, 'application/x-ndjson']);
  const lines = linesOf(text);
  expect(lines.map(({ line, result }) => [line, result])).toEqual([
    [1, 'created'],
    [3, 'refused'],
    [4, 'updated'],
    [5, 'refused'],
    [6, 'refused'],
    [7, 'created'],
  ]);
  expect(lines[2]!.id).toBe(lines[0]!.id);
  expect(lines.map(({ problem }) => problem)).toEqual([
    null,
    'is not JSON',
    null,
    expect.stringContaining('project is not one that is configured'),
    'is longer than 64 KB',
    null,
  ]);
  expect(text).not.toContain('1//');
  const shown = await world.send('GET', `/v1/accounts/${lines[5]!.id}`, { key });
  expect(shown.status).toBe(200);
});

test('1,000 lines are imported, and 1,001 are refused before any', async () => {
  const lines = Array.from({ length: 1_001 }, (_, at) => account(`many-${at}@example.com`));
  const beyond = await send(lines.join('\n'));
  expect([beyond.status, beyond.text.includes('has more than 1000 lines')]).toEqual([400, true]);
  const { rows } = await world.database.pool.query(
    "SELECT 1 FROM syncline.accounts WHERE email LIKE 'many-%'",
  );
  expect(rows).toEqual([]);
  const { status, text } = await send(`${lines.slice(0, 1_000).join('\n')}\n`);
  const imported = linesOf(text);
  expect([status, imported.length]).toEqual([200, 1_000]);
  expect(new Set(imported.map(({ result }) => result))).toEqual(new Set(['created']));
  expect(imported.map(({ line }) => line)).toEqual(lines.slice(1).map((_, at) => at + 1));
}, 60_000);

test('a key of one tenant imports accounts of that tenant only', async () => {
  const ofGlobex = await world.key({ tenant: 'globex' });
  const { text } = await send(
    [
      account('e@example.com'),
      account('f@example.com', { tenant: undefined }),
      account('g@example.com', { tenant: 'globex' }),
    ].join('\n'),
    { apiKey: ofGlobex },
  );
  expect(linesOf(text).map(({ result, problem }) => [result, problem])).toEqual([
    ['refused', 'tenant is not that of the key'],
    ['created', null],
    ['created', null],
  ]);
  const listed = await world.send('GET', '/v1/accounts', { key: ofGlobex });
  const { data } = listed.json as { data: { email: string; tenant: string }[] };
  expect(data.map(({ email, tenant }) => `${tenant} ${email}`).sort()).toEqual([
    'globex f@example.com',
    'globex g@example.com',
  ]);
});

test.each<[string, string, Record<string, string>, number]>([
  ['an idempotency key', account('x@example.com'), { 'Idempotency-Key': 'a' }, 400],
  ['more than 8 MiB', `${'x'.repeat(60_000)}\n`.repeat(150), {}, 413],
  ['another encoding', account('x@example.com'), { 'Content-Encoding': 'gzip' }, 415],
  [
    'another charset',
    account('x@example.com'),
    { 'Content-Type': 'application/x-ndjson; charset=latin1' },
    415,
  ],
])('lines with %s are refused', async (_what, body, headers, status) => {
  expect((await send(body, { headers })).status).toBe(status);
});

test('an account that is being removed cannot be imported yet, by a line or alone', async () => {
  const id = await world.account({ email: 'leaver@example.com', tenant: 'acme' });
  await world.store.removal.begin(id);
  const alone = await world.send('POST', '/v1/accounts', {
    key,
    body: { email: 'leaver@example.com', refreshToken: '1//x', tenant: 'acme' },
  });
  expect([alone.status, alone.text.includes('state-conflict')]).toEqual([409, true]);
  const [line] = linesOf((await send(account('leaver@example.com'))).text);
  expect(line).toMatchObject({
    result: 'refused',
    problem: expect.stringContaining('is being removed'),
  });
});
