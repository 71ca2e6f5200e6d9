import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSimulator, type Simulator } from '@syncline/simulator';
import { redisUrl, testDatabase, type TestDatabase } from '../support/database.js';
import { exited, startProgram, stopAll } from '../support/processes.js';
import { SimulatorControl } from '../support/simulator-control.js';

/* The mirror holds what an attachment is called; its bytes come from Google when somebody asks for them. A message's source comes from the mirror, and so do addresses. */

const EMAIL = 'user1@demo.example';
const PICTURE = Buffer.from(Array.from({ length: 4_096 }, (_, i) => (i * 7) % 256));
const TABLE = 'a,b\n1,2\n';

let database: TestDatabase;
let simulator: Simulator;
let env: Record<string, string>;
let directory: string;
let message: { id: string; attachments: { partId: string; filename: string }[] };

beforeAll(async () => {
  database = await testDatabase();
  simulator = await startSimulator({ seed: 71, accounts: 1, messagesPerAccount: 3 });
  env = {
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    GOOGLE_API_URL: simulator.url,
    SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
  };
  const control = new SimulatorControl(simulator.url);
  const { messageId } = (await control.actAs(EMAIL, {
    action: 'deliver',
    rawBase64: Buffer.from(mail()).toString('base64'),
  })) as { messageId: string };
  message = (await control.truth(EMAIL, 'gmail')).find(
    (one) => one['id'] === messageId,
  ) as unknown as typeof message;
  directory = mkdtempSync(path.join(tmpdir(), 'syncline-attachment-'));
  const { email, refreshToken } = simulator.accounts()[0]!;
  writeFileSync(path.join(directory, 'accounts.ndjson'), JSON.stringify({ email, refreshToken }));
  const imported = await exited(
    startProgram('cli', env, ['accounts', 'import', path.join(directory, 'accounts.ndjson')]),
  );
  if (imported.code !== 0) throw new Error(imported.stderr);
});
afterAll(async () => {
  await stopAll();
  rmSync(directory, { recursive: true, force: true });
  await simulator.close();
  await database.drop();
});

test('two attachments with one part id are fetched by their keys', async () => {
  const control = new SimulatorControl(simulator.url);
  await control.fault({
    kind: 'altered-answer',
    item: message.id,
    patch: { payload: { parts: { 1: { partId: '1' }, 2: { partId: '1' } } } },
  });
  const bytes = async (key: string): Promise<Buffer> => {
    const run = await exited(
      startProgram('cli', env, ['attachment', EMAIL, message.id, key, '--json']),
    );
    return Buffer.from((JSON.parse(run.stdout) as { data: string }).data, 'base64');
  };
  expect(await bytes('1')).toEqual(PICTURE);
  expect((await bytes('1#2')).toString()).toBe(TABLE);
  await control.clearFaults();
});

test('an attachment without a name is fetched by its part', async () => {
  const control = new SimulatorControl(simulator.url);
  const { messageId } = (await control.actAs(EMAIL, {
    action: 'deliver',
    rawBase64: Buffer.from(mail().replaceAll(/; (?:file)?name="[^"]*"/g, '')).toString('base64'),
  })) as { messageId: string };
  const run = await exited(
    startProgram('cli', env, ['attachment', EMAIL, messageId, '1', '--json']),
  );
  const { data, ...rest } = JSON.parse(run.stdout) as { data: string };
  expect(rest).toEqual({
    messageId,
    partId: '1',
    filename: '',
    mimeType: 'image/png',
    size: PICTURE.length,
  });
  expect(Buffer.from(data, 'base64')).toEqual(PICTURE);
});

function mail(): string {
  const part = (type: string, name: string, body: Buffer): string =>
    `--b\r\nContent-Type: ${type}; name="${name}"\r\nContent-Disposition: attachment; filename="${name}"\r\nContent-Transfer-Encoding: base64\r\n\r\n${body.toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`;
  const parts = [
    `--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n`,
    part('image/png', 'picture.png', PICTURE),
    part('text/csv', 'table.csv', Buffer.from(TABLE)),
  ];
  return `From: a@b.example\r\nTo: ${EMAIL}\r\nSubject: two files\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n${parts.join('')}--b--\r\n`;
}

const partOf = (filename: string): string =>
  message.attachments.find((one) => one.filename === filename)!.partId;
const attachment = (...args: string[]): ReturnType<typeof exited> =>
  exited(startProgram('cli', env, ['attachment', EMAIL, ...args]));

test('an attachment is fetched byte for byte, by the part in the mirror', async () => {
  expect(await attachment(message.id, partOf('table.csv'))).toMatchObject({
    code: 0,
    stdout: TABLE,
  });
  const { code, stdout } = await attachment(message.id, partOf('picture.png'), '--json');
  expect([code, JSON.parse(stdout)]).toEqual([
    0,
    {
      messageId: message.id,
      partId: partOf('picture.png'),
      filename: 'picture.png',
      mimeType: 'image/png',
      size: PICTURE.length,
      data: PICTURE.toString('base64'),
    },
  ]);
});

test('a missing message or part gives one clear error and nothing on standard output', async () => {
  for (const [id, part] of [
    ['1234567890abcdef', '1'],
    [message.id, '77'],
  ] as const) {
    const { code, stdout, stderr } = await attachment(id, part);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(`no message ${id} with a part ${part}`);
  }
});

test('a stored source is written byte for byte; without one the reason is printed', async () => {
  const source = (...args: string[]): ReturnType<typeof exited> =>
    exited(startProgram('cli', { ...env, MIRROR_BODIES: 'raw' }, ['source', EMAIL, ...args]));
  const bytes = Buffer.from([0, 10, 13, 128, 255]);
  await database.pool.query(
    "INSERT INTO syncline.gmail_sources SELECT id, 'm1', $1::bytea FROM syncline.accounts UNION ALL SELECT id, 'm2', $2::bytea FROM syncline.accounts",
    [bytes, Buffer.from(mail())],
  );
  await database.pool.query(
    "INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, snippet, resource) SELECT id, 'm3', 't', 1, '{}', '', '{}' FROM syncline.accounts",
  );
  const [odd, plain, kept, unknown] = await Promise.all([
    source('m1', '--json'),
    source('m2'),
    source('m3'),
    source('m4'),
  ]);
  expect(JSON.parse(odd!.stdout)).toEqual({
    messageId: 'm1',
    size: 5,
    source: bytes.toString('base64'),
  });
  expect(plain).toMatchObject({ code: 0, stdout: mail() });
  expect([kept, unknown]).toMatchObject([
    {
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(
        'keeps no source of message m3: it was stored before MIRROR_BODIES was raw',
      ),
    },
    { code: 1, stdout: '', stderr: expect.stringContaining('has no message m4') },
  ]);
});

test('messages of an earlier version get their addresses from stored headers', async () => {
  const resource = {
    payload: {
      headers: [
        { name: 'From', value: 'Ada <ada@example.com>' },
        { name: 'to', value: 'undisclosed-recipients:;' },
      ],
    },
  };
  await database.pool.query(
    "INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, snippet, resource) SELECT id, 'm5', 't', 1, '{}', '', $1::jsonb FROM syncline.accounts",
    [resource],
  );
  const { code, stdout } = await exited(startProgram('cli', env, ['addresses', EMAIL, '--json']));
  expect([code, JSON.parse(stdout)]).toEqual([
    0,
    { email: EMAIL, tenant: 'default', filled: expect.any(Number) },
  ]);
  const { rows } = await database.pool.query<{ id: string; addresses: unknown }>(
    'SELECT id, addresses FROM syncline.gmail_messages',
  );
  expect(rows).toContainEqual({
    id: 'm5',
    addresses: { from: [{ name: 'Ada', address: 'ada@example.com' }], to: [] },
  });
  expect(rows.filter(({ addresses }) => addresses === null)).toEqual([]);
});
