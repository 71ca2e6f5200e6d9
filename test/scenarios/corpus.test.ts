import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { ExportedMessage } from '@syncline/store';
import type { MailAddresses } from '../../packages/sync/src/resources/gmail/addresses.js';
import { startWorld, type World } from '../support/world.js';
import { compare, type Pair } from './corpus-compare.js';
import { BEYOND_MAILPARSER, EXPLAINED, KINDS, type Explained } from './corpus-differences.js';

/*
 * Every mail of the fixtures and of the collection of real files, mirrored through the whole engine, against what an independent parser
 * (mailparser) makes of the same bytes. Where the two differ, corpus-differences.ts says why; a difference that is new fails, and so does
 * one that is over or that has become another one. That every mail is mirrored field by field is real-input.test.ts' business.
 */

const FIXTURES = path.resolve(__dirname, '../fixtures/eml');
const CORPUS = path.join(
  process.env['CORPUS_DIR'] ?? path.resolve(__dirname, '../../../shared/corpus'),
  'eml',
);
const FOLDERS = [FIXTURES, ...(existsSync(CORPUS) ? [CORPUS] : [])];
const FILES = FOLDERS.flatMap((folder) =>
  readdirSync(folder).map((name) => ({
    name,
    bytes: withoutEnvelope(readFileSync(path.join(folder, name))),
  })),
);
const LISTED = EXPLAINED.filter(({ file }) => FILES.some(({ name }) => name === file));

let world: World;
let rows: Map<string, ExportedMessage>;
/** By message. */
let addresses: Map<string, MailAddresses>;
const differences: (Pair & { file: string })[] = [];

beforeAll(async () => {
  world = await startWorld({
    seed: 31,
    accounts: 1,
    messagesPerAccount: 0,
    eventsPerCalendar: 0,
    calendarsPerAccount: 1,
    emlDirectories: FOLDERS,
  });
  await world.catchUp();
  rows = await mirrored();
  addresses = await addressColumns();
  for (const { name, bytes } of FILES) {
    if (BEYOND_MAILPARSER.has(name)) continue;
    const row = rowOf(name, bytes);
    const pairs = await compare(row, addresses.get(row.id) ?? {}, bytes);
    differences.push(
      ...pairs
        .filter(({ ours, theirs }) => ours !== theirs)
        .map((pair) => ({ ...pair, file: name })),
    );
  }
});
afterAll(() => world.close());

test("subject, addresses, names, text and html of every mail equal an independent parser's, except for explained differences", () => {
  const known = new Set(LISTED.map(keyOf));
  expect(differences.filter((difference) => !known.has(keyOf(difference)))).toEqual([]);
});

test('every explained difference still exists, and is of its kind', () => {
  const wrong = LISTED.filter(
    (listed) =>
      !differences.some(
        (found) =>
          keyOf(found) === keyOf(listed) && KINDS[listed.kind].holds(found.ours, found.theirs),
      ),
  );
  expect(wrong).toEqual([]);
  expect(LISTED).toHaveLength(new Set(LISTED.map(keyOf)).size);
});

test('a mail that the other parser cannot finish is mirrored', () => {
  expect(rows.size).toBe(FILES.length);
  const beyond = FILES.filter(({ name }) => BEYOND_MAILPARSER.has(name)).map(
    ({ name, bytes }) => rowOf(name, bytes).messageId !== null,
  );
  expect(beyond).toEqual(FOLDERS.includes(CORPUS) ? [true] : []);
});

test('docs/explanation/mail.md has the numbers of the differences', () => {
  const section =
    readFileSync(path.resolve(__dirname, '../../docs/explanation/mail.md'), 'utf8').split(
      '## Comparison with another parser',
    )[1] ?? '';
  const said = [...section.matchAll(/^\| `([a-z-]+)` \| (\d+) \|/gm)].map(([, kind, count]) => [
    kind,
    Number(count),
  ]);
  const counted = Object.keys(KINDS).map((kind) => [
    kind,
    EXPLAINED.filter((explained) => explained.kind === kind).length,
  ]);
  expect(said).toEqual(counted);
});

function keyOf({ file, field }: Pick<Explained, 'file' | 'field'>): string {
  return `${file} ${field}`;
}

async function mirrored(): Promise<Map<string, ExportedMessage>> {
  const [account] = await world.store.accounts.list();
  const found = new Map<string, ExportedMessage>();
  for await (const message of world.store.mirror.messages(account?.id ?? ''))
    found.set(message.id, message);
  return found;
}

async function addressColumns(): Promise<Map<string, MailAddresses>> {
  const { rows: found } = await world.database.pool.query<{ id: string; addresses: MailAddresses }>(
    'SELECT id, addresses FROM syncline.gmail_messages',
  );
  return new Map(found.map((row) => [row.id, row.addresses]));
}

/** The row of these bytes. Equal files are equal messages, so any of them will do. */
function rowOf(name: string, bytes: Buffer): ExportedMessage {
  const source = world.simulator.world
    .all()[0]
    ?.mailbox.messages()
    .find(({ content }) => content.kind === 'given' && content.raw.equals(bytes));
  const row = rows.get(source?.id ?? '');
  if (!row) throw new Error(`${name} is not mirrored`);
  return row;
}

/** The `From ` line of an mbox is no part of the mail. */
function withoutEnvelope(bytes: Buffer): Buffer {
  return bytes.subarray(0, 5).equals(Buffer.from('From '))
    ? bytes.subarray(bytes.indexOf(0x0a) + 1)
    : bytes;
}
