import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startApi, type ApiWorld } from '../support/api-world.js';
import { exited, startNode } from '../support/processes.js';

/* The client as it is published: packed, installed in an empty directory, compiled against and run. */

const ROOT = path.resolve(__dirname, '../..');
const TSC = path.join(ROOT, 'node_modules/typescript/bin/tsc');
/** The client and what it needs, which npm would fetch. */
const PACKED = [
  'packages/client',
  'node_modules/openapi-fetch',
  'node_modules/openapi-typescript-helpers',
];

let directory: string;
let api: ApiWorld;
let env: Record<string, string>;

beforeAll(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'syncline-client-'));
  const npm = (args: string[]): string =>
    execFileSync('npm', args, {
      cwd: directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  writeFileSync(path.join(directory, 'package.json'), '{"name":"backend","private":true}');
  const places = PACKED.map((place) => path.join(ROOT, place));
  const files = npm(['pack', '--silent', '--ignore-scripts', ...places])
    .trim()
    .split('\n');
  npm([
    'install',
    '--offline',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    ...files.map((file) => `./${file}`),
  ]);
  api = await startApi();
  await api.account({ email: 'ada@example.com', tenant: 'acme' });
  env = { PATH: process.env['PATH'] ?? '', URL_OF_API: api.origin, KEY: await api.key() };
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await api.close();
});

const USE = `
async function main() {
  const client = createClient({ url: process.env.URL_OF_API, key: process.env.KEY });
  const emails = [];
  for await (const { email } of client.accounts.list({ limit: 1 })) emails.push(email);
  const nobody = '00000000-0000-4000-8000-000000000000';
  const problem = await client.accounts.get(nobody).catch((error) => error);
  console.log(JSON.stringify([emails, problem instanceof SynclineProblem, problem.type, typeof consume]));
}
main();`;
const PRINTED = [['ada@example.com'], true, 'urn:syncline:problem:not-found', 'function'];

test.each([
  [
    'an ES module',
    'use.mjs',
    `import { createClient, SynclineProblem } from '@syncline/client';
import { consume } from '@syncline/client/pg';`,
  ],
  [
    'a CommonJS module',
    'use.cjs',
    `const { createClient, SynclineProblem } = require('@syncline/client');
const { consume } = require('@syncline/client/pg');`,
  ],
])('the installed package runs in %s', async (_what, name, imports) => {
  writeFileSync(path.join(directory, name), `${imports}\n${USE}`);
  const { code, stdout, stderr } = await exited(startNode([name], env, { cwd: directory }));
  expect([stderr, code]).toEqual(['', 0]);
  expect(JSON.parse(stdout)).toEqual(PRINTED);
});

const TYPED = `import { createClient, SynclineProblem, type Message } from '@syncline/client';
import { consume, type Transaction } from '@syncline/client/pg';

const client = createClient({ url: 'http://127.0.0.1:3000', key: 'synk_' });
export async function subjects(account: string): Promise<(string | null)[]> {
  const found: (string | null)[] = [];
  for await (const { subject } of client.messages.list(account, { label: 'INBOX' })) found.push(subject);
  const page = await client.messages.list(account);
  const first: Message | undefined = page.data[0];
  const { complete }: { complete: boolean } = page.freshness;
  return complete ? [...found, first?.subject ?? null] : found;
}
export async function copy(pool: Parameters<typeof consume>[0], account: string): Promise<void> {
  const apply = async (tx: Transaction, events: readonly { seq: number; id: string }[]): Promise<void> => {
    for (const { id } of events) await tx.query('SELECT $1', [id]);
  };
  await consume(pool, { consumer: 'copy', source: client.feed(account), apply });
}
export function isGone(error: unknown): boolean {
  return error instanceof SynclineProblem && error.type === 'urn:syncline:problem:not-found';
}
`;
const MISTAKES: readonly [string, string][] = [
  ["client.messages.list(account, { lable: 'INBOX' })", 'lable'],
  ["error.type === 'urn:syncline:problem:not-fond'", 'not-fond'],
  ['client.messages.get(account)', 'arguments'],
];

test.each(['node16', 'bundler'])(
  'its types hold what the document says, resolved as %s',
  (resolution) => {
    const module = resolution === 'node16' ? 'node16' : 'esnext';
    const wrong = MISTAKES.map(
      ([text], at) =>
        `export const wrong${at} = (account: string, error: SynclineProblem) => ${text};`,
    );
    writeFileSync(path.join(directory, 'typed.mts'), `${TYPED}\n${wrong.join('\n')}`);
    const flags = '--noEmit --strict --target es2022 --lib es2023,dom,dom.asynciterable'.split(' ');
    const resolved = ['--module', module, '--moduleResolution', resolution, '--types', ''];
    const { stdout } = spawnSync(process.execPath, [TSC, ...flags, ...resolved, 'typed.mts'], {
      cwd: directory,
      encoding: 'utf8',
    });
    const errors = stdout.split('\n').filter((line) => /error TS/.test(line));
    expect(errors.map((line, at) => line.includes(MISTAKES[at]![1]))).toEqual([true, true, true]);
  },
);

test('it has the compiled client and its licence only, and depends on openapi-fetch alone', () => {
  const installed = path.join(directory, 'node_modules/@syncline/client');
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
  expect(
    files.filter((file) => !/^(?:package\.json|README\.md|dist(?:\/.*)?)$/.test(file)),
  ).toEqual([]);
  const manifest = JSON.parse(readFileSync(path.join(installed, 'package.json'), 'utf8')) as {
    dependencies: object;
  };
  expect(Object.keys(manifest.dependencies)).toEqual(['openapi-fetch']);
});
