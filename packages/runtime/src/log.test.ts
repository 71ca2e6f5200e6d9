import { startProgram } from '../test-support/child.js';
import path from 'node:path';
import { scrubText } from './log.js';

const RUNTIME = path.join(__dirname, '..', 'dist', 'index.js');

/** What `statement` logs, in a process of its own since a log writes to the real stdout. */
async function logged(statement: string, logLevel = 'info'): Promise<Record<string, unknown>> {
  const child = startProgram(process.execPath, [
    '-e',
    `const { log } = require(${JSON.stringify(RUNTIME)}).createRuntime({ service: 'probe', logLevel: '${logLevel}' }); ${statement}`,
  ]);
  await child.ended;
  return JSON.parse(child.output().stdout) as Record<string, unknown>;
}

test('a line is JSON with its time, level, service and sentence', async () => {
  expect(
    await logged(
      "log.info({ event: 'page-committed', accountId: 'a1', rows: 3n }, 'a page was committed')",
    ),
  ).toMatchObject({
    level: 'info',
    service: 'probe',
    event: 'page-committed',
    accountId: 'a1',
    rows: '3',
    msg: 'a page was committed',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  });
});

test('what is named like a secret or a personal thing is replaced, at any depth and in children', async () => {
  const line = await logged(
    "log.child({ refreshToken: 'hunter2' }).warn({ request: { headers: [{ Authorization: 'hunter2' }], access_token: 'hunter2' }, password: 'hunter2', client_secret: 'hunter2', subject: 'hunter2' }, 'x')",
  );
  expect(JSON.stringify(line)).not.toContain('hunter2');
  expect(line).toMatchObject({
    refreshToken: '[redacted]',
    request: { access_token: '[redacted]' },
    password: '[redacted]',
  });
});

test('an error keeps its name, message, code and status, and nothing else', async () => {
  const thrown =
    "Object.assign(new RangeError('too far'), { code: 'E1', status: 503, config: { headers: 'hunter2' }, response: 'hunter2' })";
  const { err } = await logged(`log.error({ err: ${thrown} }, 'failed')`);
  expect(err).toEqual({ name: 'RangeError', message: 'too far', code: 'E1', status: 503 });
  expect((await logged(`log.error({ err: ${thrown} }, 'failed')`, 'debug'))['err']).toMatchObject({
    stack: expect.stringContaining('RangeError'),
  });
});

test('an address inside the message of a bare error does not get out', async () => {
  const line = await logged("log.error(new Error('no mailbox ada.lovelace@example.com'))");
  expect(line).toMatchObject({
    msg: 'no mailbox [address]',
    err: { message: 'no mailbox [address]' },
  });
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
  ['"ada+news@mail.example.co.uk" and 3 @ 4', '"[address]" and 3 @ 4'],
  ['a plain sentence with https://example.com/a', 'a plain sentence with https://example.com/a'],
])('%s', (text, clean) => {
  expect(scrubText(text)).toBe(clean);
});
