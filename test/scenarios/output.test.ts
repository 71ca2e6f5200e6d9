import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startSimulator, type Simulator } from '@syncline/simulator';
import { openStore } from '@syncline/store';
import type { Command } from 'commander';
import { buildProgram } from '../../apps/cli/src/program.js';
import { redisUrl, testDatabase, testRuntime, type TestDatabase } from '../support/database.js';
import { LARGE, fillMirror } from '../support/large-mirror.js';
import { SimulatorControl } from '../support/simulator-control.js';

/*
 * What a command prints is all there when it ends: whoever reads it, and however slowly. Through
 * real processes and real pipes.
 */

const EMAIL = 'user1@demo.example';
const CLI = path.resolve(__dirname, '../../apps/cli/dist/main.js');
const PIPE_BYTES = 65_536;
const BAD_LINES = 3_000;
const ATTACHMENT_BYTES = 200_000;
/**
 * Sleeps a while after every 32 kB, the last ones included: the pipe is full when the command ends.
 */
const SLEEPY_READER = `
  const piece = Buffer.alloc(32_768);
  const { readSync, writeSync } = require('node:fs');
  for (let length; (length = readSync(0, piece)) > 0;) {
    writeSync(1, piece, 0, length);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }`;

/**
 * How a command is called so that it prints more than a pipe holds, and what shows that all of it
 * arrived.
 */
interface LargeCall {
  args: string[];
  code?: number;
  whole: (stdout: string) => unknown;
  is: unknown;
}

const lines = (text: string): number => text.split('\n').length - 1;
const parsed = (text: string): number =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line)).length;
const document = (text: string): Record<string, unknown[]> => JSON.parse(text);

/** By the command's name; a command may be called in several ways. */
const PRINTS_MUCH: Record<string, LargeCall[]> = {
  'accounts import': [
    {
      args: ['accounts', 'import', 'BAD', '--json'],
      code: 1,
      whole: (text) => document(text)['failed']?.length,
      is: BAD_LINES,
    },
  ],
  'accounts list': [
    {
      args: ['accounts', 'list', '--json'],
      whole: (text) => JSON.parse(text).length,
      is: LARGE.accounts + 1,
    },
    { args: ['accounts', 'list', '--tenant', 'large'], whole: lines, is: LARGE.accounts + 1 },
  ],
  addresses: [{ args: ['addresses', '--json'], whole: parsed, is: LARGE.accounts + 1 }],
  attachment: [
    {
      args: ['attachment', EMAIL, 'MESSAGE', 'PART', '--json'],
      whole: (text) => JSON.parse(text).size,
      is: ATTACHMENT_BYTES,
    },
    {
      args: ['attachment', EMAIL, 'MESSAGE', 'PART'],
      whole: (text) => text.length,
      is: ATTACHMENT_BYTES,
    },
  ],
  changes: [{ args: ['changes', EMAIL], whole: parsed, is: LARGE.changes }],
  export: [
    { args: ['export', EMAIL, '--resource', 'gmail'], whole: parsed, is: LARGE.messages },
    { args: ['export', EMAIL, '--resource', 'calendar'], whole: parsed, is: LARGE.events },
  ],
  instances: [
    {
      args: [
        'instances',
        EMAIL,
        '--calendar',
        'large@example.com',
        '--from',
        '2026-03-01',
        '--to',
        '2026-04-01',
        '--limit',
        '100000',
      ],
      whole: parsed,
      is: LARGE.events,
    },
  ],
  'keys list': [
    {
      args: ['keys', 'list', '--json'],
      whole: (text) => JSON.parse(text).length,
      is: LARGE.apiKeys,
    },
    { args: ['keys', 'list'], whole: lines, is: LARGE.apiKeys + 1 },
  ],
  'quarantine list': [
    {
      args: ['quarantine', 'list', EMAIL, '--json'],
      whole: (text) => JSON.parse(text).length,
      is: LARGE.quarantined,
    },
    { args: ['quarantine', 'list', EMAIL], whole: lines, is: LARGE.quarantined + 1 },
  ],
  quota: [
    {
      args: ['quota', '--json'],
      whole: (text) =>
        (document(text)['today'] as unknown as { byAccount: unknown[] }).byAccount.length >=
        LARGE.accounts,
      is: true,
    },
  ],
  source: [
    {
      args: ['source', EMAIL, 'f000000000000001'],
      whole: (text) => text.length,
      is: LARGE.sourceBytes,
    },
    {
      args: ['source', EMAIL, 'f000000000000001', '--json'],
      whole: (text) => JSON.parse(text).size,
      is: LARGE.sourceBytes,
    },
  ],
  timeline: [
    {
      args: ['timeline', EMAIL, '--limit', '10000', '--json'],
      whole: (text) => (JSON.parse(text) as unknown[]).length >= LARGE.accountEvents,
      is: true,
    },
    {
      args: ['timeline', EMAIL, '--limit', '10000'],
      whole: (text) => lines(text) > LARGE.accountEvents,
      is: true,
    },
  ],
  verify: [
    {
      args: ['verify', EMAIL, '--resource', 'gmail', '--sample', '0', '--json'],
      code: 1,
      whole: (text) => document(text)['extra']?.length,
      is: LARGE.messages,
    },
  ],
  wait: [
    {
      args: ['wait', '--tenant', 'large', '--timeout', '0', '--json'],
      code: 1,
      whole: (text) => document(text)['behind']!.length >= LARGE.accounts,
      is: true,
    },
  ],
  why: [
    {
      args: ['why', EMAIL, '--json'],
      whole: (text) => document(text)['collections']!.length > LARGE.calendars,
      is: true,
    },
    {
      args: ['why', EMAIL],
      whole: (text) => /calendar400@.*spent today:/s.test(text) && text.endsWith('\n'),
      is: true,
    },
  ],
};

const ONE_LINE = 'it prints one line, or one document of fixed size';
/** Commands that cannot print more than a pipe holds, with the reason. */
const PRINTS_LITTLE: Record<string, string> = {
  'accounts pause': ONE_LINE,
  'accounts resources': ONE_LINE,
  'accounts resume': ONE_LINE,
  'accounts remove': ONE_LINE,
  'quarantine retry': ONE_LINE,
  'quarantine drop': ONE_LINE,
  'quota plan': ONE_LINE,
  'feed new-epoch': ONE_LINE,
  'delegations set': ONE_LINE,
  'delegations check': ONE_LINE,
  'delegations remove': ONE_LINE,
  'delegations list': 'it prints a line for each service account, of which an operator has few',
  'keys create': ONE_LINE,
  'keys revoke': ONE_LINE,
  'keys rotate': ONE_LINE,
  'keys rotate-master': ONE_LINE,
  'keys retire-lost': ONE_LINE,
  sync: ONE_LINE,
  migrate: 'it prints the names of the migrations, about 40 bytes each',
  demo: 'it prints 200 bytes an account that it simulates itself, 16 by default',
  up: 'it prints nothing on stdout',
};

let simulator: Simulator;
let database: TestDatabase;
let directory: string;
let env: Record<string, string>;
let names: Record<string, string>;

beforeAll(async () => {
  simulator = await startSimulator({
    seed: 5,
    accounts: 1,
    messagesPerAccount: 0,
    quota: { scale: 1_000 },
  });
  database = await testDatabase();
  directory = mkdtempSync(path.join(tmpdir(), 'syncline-output-'));
  const masterKey = randomBytes(32);
  env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    GOOGLE_API_URL: simulator.url,
    SYNCLINE_MASTER_KEY: masterKey.toString('base64'),
    GMAIL_UNITS_PER_USER_MINUTE: '1000000',
  };
  const store = await openStore(testRuntime(), { databaseUrl: database.url, masterKey });
  const { refreshToken } = simulator.accounts()[0]!;
  const { id } = await store.accounts.import({
    email: EMAIL,
    refreshToken,
    tenant: 'default',
    resources: ['gmail', 'calendar'],
  });
  await store.close();
  // None of the rows that follow is Google's, so nothing could prove whose the grant is.
  await database.pool.query('UPDATE syncline.accounts SET verified_grant = grant_number');
  await fillMirror(database.pool, id);
  const reader = path.join(directory, 'reader.cjs');
  writeFileSync(reader, SLEEPY_READER);
  env['SLEEPY'] = `${process.execPath} ${reader}`;
  const bad = path.join(directory, 'bad.ndjson');
  writeFileSync(bad, '{"email":"nobody"}\n'.repeat(BAD_LINES));
  names = { BAD: bad, ...(await deliverLargeAttachment()) };
}, 120_000);
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await simulator.close();
  await database.drop();
});

test('every command is listed as printing much or little', async () => {
  const known = [...Object.keys(PRINTS_MUCH), ...Object.keys(PRINTS_LITTLE)];
  expect(known.sort()).toEqual(commandsOf(await buildProgram()).sort());
});

test.each(
  Object.values(PRINTS_MUCH)
    .flat()
    .map((call) => [call.args.join(' '), call] as const),
)(
  'everything that `%s` prints reaches a slow reader',
  async (_title, { args, code = 0, whole, is }) => {
    const run = await shell('"$@" | $SLEEPY > out; exit ${PIPESTATUS[0]}', args);
    const stdout = readFileSync(path.join(directory, 'out'), 'latin1');
    expect({ code: run.code, isLarge: stdout.length > PIPE_BYTES, whole: whole(stdout) }).toEqual({
      code,
      isLarge: true,
      whole: is,
    });
  },
  120_000,
);

test('everything printed on stderr reaches a slow reader', async () => {
  await shell('"$@" 2>&1 >/dev/null | $SLEEPY > out', ['accounts', 'import', 'BAD']);
  const said = readFileSync(path.join(directory, 'out'), 'utf8');
  expect(said.match(/^line \d+ /gm)).toHaveLength(BAD_LINES);
  expect(said).toContain(`${BAD_LINES.toLocaleString('en')} lines refused`);
}, 60_000);

test.each([
  ['a short document', ['quota', 'plan', '--accounts', '5', '--messages', '5', '--json']],
  ['a table', ['accounts', 'list']],
  ['many lines', ['export', EMAIL, '--resource', 'gmail']],
  ['help', ['--help']],
])(
  'a full disk under %s is reported in one sentence with exit 1',
  async (_what, args) => {
    const { code, stderr } = await shell('"$@" > /dev/full', args);
    expect(stderr).toMatch(
      /^What was printed is not complete: stdout cannot be written \(ENOSPC: no space left on device.*\)\.\n$/,
    );
    expect(code).toBe(1);
  },
  120_000,
);

test('a file that takes only part of the last write is an error', async () => {
  const { code, stderr } = await shell('ulimit -f 100; "$@" > short', [
    'source',
    EMAIL,
    'f000000000000001',
  ]);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: expect.stringContaining('What was printed is not complete'),
  });
}, 120_000);

test('with a full disk under stderr the exit code is 1 and stdout is complete', async () => {
  const { code } = await shell('"$@" > out 2> /dev/full', ['accounts', 'import', 'BAD', '--json']);
  expect(code).toBe(1);
  expect(JSON.parse(readFileSync(path.join(directory, 'out'), 'utf8')).failed).toHaveLength(
    BAD_LINES,
  );
  expect(await shell('"$@" > out 2> /dev/full', ['sync', EMAIL])).toMatchObject({ code: 1 });
}, 120_000);

test.each([
  ['many lines', ['export', EMAIL, '--resource', 'gmail']],
  ['one document', ['accounts', 'list', '--json']],
  ['help', ['--help']],
])(
  'a reader that closes in %s ends the command without an error',
  async (_what, args) => {
    const { code, stderr } = await shell('"$@" | head -c 1 > out; exit ${PIPESTATUS[0]}', args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  },
  120_000,
);

test('a command that gets SIGTERM does not wait for a reader that never reads', async () => {
  const child = spawn(process.execPath, [CLI, 'export', EMAIL, '--resource', 'gmail'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'readable');
  // From here on nothing is read, and the mailbox is larger than what the pipe and the buffers
  // hold.
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  child.stdout.destroy();
  expect(code).toBe(1);
}, 60_000);

function commandsOf(command: Command): string[] {
  return command.commands.flatMap((child) => {
    const below = commandsOf(child).map((name) => `${child.name()} ${name}`);
    return hasAction(child) ? [child.name(), ...below] : below;
  });
}

/** `quota` acts itself and has subcommands. */
function hasAction(command: Command): boolean {
  return (
    command.commands.length === 0 ||
    ('_actionHandler' in command && command._actionHandler !== null)
  );
}

async function deliverLargeAttachment(): Promise<{ MESSAGE: string; PART: string }> {
  const body = Buffer.alloc(ATTACHMENT_BYTES, 'a').toString('base64').replace(/.{76}/g, '$&\r\n');
  const mail = `Subject: large\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n--b\r\nContent-Type: application/octet-stream; name="large.bin"\r\nContent-Disposition: attachment; filename="large.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n${body}\r\n--b--\r\n`;
  const control = new SimulatorControl(simulator.url);
  const { messageId } = (await control.actAs(EMAIL, {
    action: 'deliver',
    rawBase64: Buffer.from(mail).toString('base64'),
  })) as { messageId: string };
  const message = (await control.truth(EMAIL, 'gmail')).find(
    (one) => one['id'] === messageId,
  ) as unknown as { attachments: { partId: string }[] };
  return { MESSAGE: messageId, PART: message.attachments[0]!.partId };
}

/** Runs `script` in bash; in it, "$@" is the command line with `args`. */
async function shell(
  script: string,
  args: readonly string[],
): Promise<{ code: number | null; stderr: string }> {
  const child = spawn(
    'bash',
    ['-c', script, 'bash', process.execPath, CLI, ...args.map((arg) => names[arg] ?? arg)],
    {
      cwd: directory,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  await once(child, 'close');
  return { code: child.exitCode, stderr: said.join('') };
}
