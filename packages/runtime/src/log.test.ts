import { startProgram } from '../test-support/child.js';
import path from 'node:path';
import { scrubText } from './log.js';

const RUNTIME = path.join(__dirname, '..', 'dist', 'index.js');

/**
 * Returns the log lines of `statement`. It runs in a separate process because a log writes to the
 * real stdout.
 */
async function logged(statement: string, logLevel = 'info'): Promise<Record<string, unknown>> {
  const [line] = await loggedLines(statement, logLevel);
  return line!;
}

async function loggedLines(
  statement: string,
  logLevel: string,
): Promise<Record<string, unknown>[]> {
  const child = startProgram(process.execPath, [
    '-e',
    `const { log } = require(${JSON.stringify(RUNTIME)}).createRuntime({ service: 'probe', logLevel: '${logLevel}' }); ${statement}`,
  ]);
  await child.exited;
  const lines = child.output().stdout.trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a line is JSON with its time, severity, service and sentence', async () => {
  expect(
    await logged(
      "log.info({ event: 'page_committed', accountId: 'a1', rows: 3n }, 'a page was committed')",
    ),
  ).toMatchObject({
    level: 'info',
    service: 'probe',
    event: 'page_committed',
    accountId: 'a1',
    rows: '3',
    msg: 'a page was committed',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  });
});

const UNLISTED = [
  "log.info({ event: 'x', shoeSize: 'hunter2' }, 'x')",
  "log.info({ event: 'x', nested: { accountId: 'hunter2' } }, 'x')",
  "log.info({ event: 'x', reason: { deep: ['hunter2'] } }, 'x')",
  "log.info({ event: 'x', reasons: [{ deep: 'hunter2' }], queues: { x: 'hunter2' } }, 'x')",
  "log.info({ event: 'x', queues: { 'hunter2 of ada': 1 }, 'hunter2 of bob': 1 }, 'x')",
  "log.info({ event: 'x', rows: 'hunter2', accountId: 'hunter2 and more' }, 'x')",
  "log.info({ event: 'x', reason: { toJSON: () => 'hunter2' } }, 'x')",
  "log.error({ event: 'x', err: { message: 'hunter2', body: 'hunter2' } }, 'x')",
  "log.error({ event: 'x', err: { message: 'hunter2' } })",
  "log.error({ event: 'x', err: 'hunter2' })",
  "log.error({ message: 'hunter2', body: 'hunter2' })",
  "log.info({ msg: 'hunter2', __proto__: { accountId: 'hunter2' } }, 'x')",
  "log.child({ shoeSize: 'hunter2' }).info('x')",
  "log.child({}, { formatters: { log: (fields) => fields } }).info({ shoeSize: 'hunter2' }, 'x')",
  "log.child({}, { serializers: { reason: () => 'hunter2' } }).info({ reason: 'x' }, 'x')",
  "log.setBindings({ shoeSize: 'hunter2' }); log.info('x')",
  "const child = log.child({}); child.setBindings({ shoeSize: 'hunter2' }); child.info('x')",
  "log.info('%s', 'hunter2')",
  "log.info({ event: 'x' }, '%s %j %o', 'hunter2', { a: 'hunter2' }, ['hunter2'])",
  "log.info({ event: 'x' }, { text: 'hunter2' })",
];

test('only listed fields are written, each in its form, in lines, children and bindings', async () => {
  const lines = await loggedLines(
    UNLISTED.map((statement) => `{ ${statement} }`).join('\n'),
    'trace',
  );
  const leaks = UNLISTED.filter((_, i) => /hunter2/.test(JSON.stringify(lines[i])));
  expect({ lines: lines.length, leaks }).toEqual({ lines: UNLISTED.length, leaks: [] });
});

test('a line names the fields that it leaves out', async () => {
  const { shoeSize, rows } = await logged(
    "log.info({ event: 'x', shoeSize: 'hunter2', rows: 'hunter2' }, 'x')",
  );
  expect({ shoeSize, rows }).toEqual({ shoeSize: '[redacted]', rows: '[redacted]' });
});

test('numbers, dates, lists and counts are written as they are', async () => {
  expect(
    await logged(
      "log.child({ queue: 'watch' }).info({ event: 'x', rows: 3, final: true, until: new Date(0), reasons: ['a'], queues: { watch: 2 }, missing: null }, 'took %d ms', 5)",
    ),
  ).toMatchObject({
    queue: 'watch',
    rows: 3,
    final: true,
    until: '1970-01-01T00:00:00.000Z',
    reasons: ['a'],
    queues: { watch: 2 },
    missing: null,
    msg: 'took 5 ms',
  });
});

test('what is named like a secret or a personal thing is replaced, at any depth and in children', async () => {
  const line = await logged(
    "log.child({ refreshToken: 'hunter2' }).warn({ request: { headers: [{ Authorization: 'hunter2' }], access_token: 'hunter2' }, password: 'hunter2', client_secret: 'hunter2', subject: 'hunter2' }, 'x')",
  );
  expect(JSON.stringify(line)).not.toContain('hunter2');
  expect(line).toMatchObject({
    refreshToken: '[redacted]',
    request: '[redacted]',
    password: '[redacted]',
  });
});

test('a foreign error keeps its name, code and status, and nothing that it says', async () => {
  const thrown =
    "Object.assign(new RangeError('hunter2'), { code: 'E1', status: 503, config: { headers: 'hunter2' }, response: 'hunter2' })";
  const { err } = await logged(`log.error({ err: ${thrown} }, 'failed')`);
  expect(err).toEqual({
    name: 'RangeError',
    message: 'RangeError E1 503',
    code: 'E1',
    status: 503,
  });
  const debug = (await logged(`log.error({ err: ${thrown} }, 'failed')`, 'debug'))['err'];
  expect(debug).toMatchObject({ stack: expect.stringMatching(/^ {4}at /) });
  expect(JSON.stringify(debug)).not.toContain('hunter2');
});

test('what Postgres quotes does not get out, in no way of logging it', async () => {
  const thrown =
    "Object.assign(new Error('invalid input: hunter2'), { name: 'DatabaseError', code: '22P02', table: 'accounts', detail: 'Key (hunter2)', where: 'hunter2', cause: new Error('hunter2') })";
  for (const statement of [
    `log.error(${thrown})`,
    `log.error({ err: ${thrown} })`,
    `log.error({ nested: [{ error: ${thrown} }] }, 'x')`,
    `log.child({ err: ${thrown} }).error('x')`,
    `log.error({ ...${thrown} }, 'x')`,
  ])
    expect([statement, JSON.stringify(await logged(statement, 'trace'))]).toEqual([
      statement,
      expect.not.stringContaining('hunter2'),
    ]);
  expect(await logged(`log.error(${thrown})`)).toMatchObject({
    msg: 'DatabaseError 22P02 (accounts), caused by Error',
    err: { name: 'DatabaseError', code: '22P02', table: 'accounts' },
  });
});

test('what a person wrote is replaced under every name that it goes by', async () => {
  const names = [
    'summary',
    'filename',
    'private_key',
    'description',
    'snippet',
    'detail',
    'assertion',
  ];
  const fields = names.map((name) => `'${name}': 'hunter2'`).join();
  expect(
    JSON.stringify(await logged(`log.warn({ ${fields}, deep: [{ ${fields} }] }, 'x')`)),
  ).not.toContain('hunter2');
});

test.each([
  [
    'connect postgresql://syncline:hunter2@db:5432/x',
    'connect postgresql://syncline:[redacted]@db:5432/x',
  ],
  ['redis://:hunter2@cache', 'redis://:[redacted]@cache'],
  [
    '{"grant":"1//0gAbCdEfGhIjKl-_","bearer":"Bearer ya29.abc"}',
    '{"grant":"[redacted]","bearer":"[redacted]"}',
  ],
  ['token ya29.A0ARrdaM-x_y was refused', 'token [redacted] was refused'],
  ['GET /calendars/ada%40example.com/events', 'GET [address]/events'],
  ['müller@exämple.de wrote', '[address] wrote'],
  ['token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl was bad', 'token [redacted] was bad'],
  [
    '{"key":"-----BEGIN PRIVATE KEY-----\\nMIIEvQ+/=\\n-----END PRIVATE KEY-----\\n"}',
    '{"key":"[redacted]\\n"}',
  ],
  [
    'POST https://oauth2.googleapis.com/revoke?token=abc&x=1',
    'POST https://oauth2.googleapis.com/revoke?token=[redacted]&x=1',
  ],
  ['Proxy-Authorization: Basic dXNlcjpwYXNz', 'Proxy-Authorization: [redacted]'],
  ['"ada+news@mail.example.co.uk" and 3 @ 4', '"[address]" and 3 @ 4'],
  ['a plain sentence with https://example.com/a', 'a plain sentence with https://example.com/a'],
])('%s', (text, clean) => {
  expect(scrubText(text)).toBe(clean);
});
