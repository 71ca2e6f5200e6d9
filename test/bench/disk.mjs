/**
 * disk: what a mirrored message costs on disk and in WAL, for four kinds of mail: the simulator's
 * own (short mails in threads), newsletters (long HTML), conversations (short replies with quotes)
 * and a directory of real mail (CORPUS_DIR). A fleet syncs each in full into an empty database.
 *
 * Prints bytes per message of every table and index that mirrors mail, the sum as a ratio of the
 * mail's own bytes (`size_estimate`), and WAL bytes per message. Sizes are those of the files: rows
 * with their free space, before any vacuum. Tables of other resources, and those whose size does
 * not depend on the number of messages, are left out; the lists of the full sync, which are emptied
 * at its end, are a figure of their own.
 *
 * Much depends on whether the server has lz4, which the embedded Postgres has not:
 * BENCH_POSTGRES_URL, the URL of a superuser, names another server.
 */
import { mkdtemp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { figure } from './figures.mjs';
import { allStored, freshDatabase, withFleet, withServers } from './fleet.mjs';
import { conversation, newsletter } from './mails.mjs';

/** Tables whose size depends on the number of messages. */
const TABLES = ['gmail_messages', 'gmail_bodies', 'gmail_attachments', 'gmail_threads', 'changes'];
/** What a full sync lists; the scheduler gives its disk back when no sync has a list. */
const LISTS = ['full_sync_items', 'full_sync_labels'];

export async function disk() {
  const directory = await mkdtemp(path.join(tmpdir(), 'syncline-disk-'));
  try {
    await withServers(async (servers) => {
      console.log(`disk: Postgres ${await compressionOf(servers)}`);
      for (const kind of await kindsOf(directory))
        if (!process.env.K || kind.name.startsWith(process.env.K)) await measure(servers, kind);
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function compressionOf(servers) {
  const { pool } = await freshDatabase(servers);
  try {
    const { rows } = await pool.query(
      "SELECT current_setting('server_version') AS version, 'lz4' = ANY (enumvals) AS has_lz4 FROM pg_settings WHERE name = 'default_toast_compression'",
    );
    return `${rows[0].version} ${rows[0].has_lz4 ? 'with' : 'without'} lz4`;
  } finally {
    await pool.end();
  }
}

async function kindsOf(directory) {
  const kinds = [
    {
      name: 'simulated mail',
      messages: 20_000,
      args: ['--messages', 20_000],
    },
    await written(directory, 'newsletters', 1_000, newsletter),
    await written(directory, 'conversations', 10_000, conversation),
  ];
  const corpus = process.env.CORPUS_DIR && path.join(process.env.CORPUS_DIR, 'eml');
  if (!corpus) {
    console.log('real mail: not measured, CORPUS_DIR names no directory with a directory eml');
    return kinds;
  }
  const { length: messages } = await readdir(corpus);
  return [...kinds, { name: 'real mail', messages, args: ['--messages', 0, '--eml', corpus] }];
}

async function written(parent, name, messages, mailOf) {
  const directory = path.join(parent, name);
  await mkdir(directory);
  for (let at = 0; at < messages; at++)
    await writeFile(path.join(directory, `${String(at).padStart(6, '0')}.eml`), mailOf(at));
  return { name, messages, args: ['--messages', 0, '--eml', directory] };
}

async function measure(servers, { name, messages, args }) {
  await withFleet(
    servers,
    { simulator: ['--accounts', 1, '--calendars', 1, ...args] },
    async (fleet) => {
      const before = await walPosition(fleet.pool);
      await fleet.due();
      await allStored(fleet.pool, messages);
      const wal = (await walPosition(fleet.pool)) - before;
      const mail = await bytesOfMail(fleet.pool);
      console.log(`${name}: ${messages} messages of ${Math.round(mail / messages)} bytes`);
      const lists = bytesIn(await sizesOf(fleet.pool, LISTS));
      const sizes = await sizesOf(fleet.pool, TABLES);
      for (const { relation, kind, bytes } of sizes)
        console.log(
          `  ${`${relation} (${kind})`.padEnd(58)} ${String(Math.round(bytes / messages)).padStart(7)} bytes a message`,
        );
      const total = bytesIn(sizes);
      figure(`disk, ${name}, all`, total / messages, 'bytes per message');
      figure(`disk, ${name}, against its bytes`, total / mail, '×', '≤ 1.6');
      figure(`disk, ${name}, lists of the full sync`, lists / messages, 'bytes per message');
      figure(`disk, ${name}, WAL`, wal / messages, 'bytes per message');
    },
  );
}

const bytesIn = (sizes) => sizes.reduce((sum, { bytes }) => sum + bytes, 0);

async function walPosition(pool) {
  const { rows } = await pool.query(
    "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 AS bytes",
  );
  return rows[0].bytes;
}

async function bytesOfMail(pool) {
  const { rows } = await pool.query(
    'SELECT sum(size_estimate)::float8 AS bytes FROM syncline.gmail_messages',
  );
  return rows[0].bytes;
}

/** Every relation with at least one byte a message; a TOAST table counts beside its heap. */
async function sizesOf(pool, tables) {
  const { rows } = await pool.query(
    `SELECT relation, kind, bytes::float8 FROM (
       SELECT c.relname AS relation, 'heap' AS kind, pg_relation_size(c.oid) AS bytes FROM pg_class c
        WHERE c.relnamespace = 'syncline'::regnamespace AND c.relname = ANY ($1::text[])
       UNION ALL
       SELECT c.relname, 'TOAST', pg_total_relation_size(c.reltoastrelid) FROM pg_class c
        WHERE c.relnamespace = 'syncline'::regnamespace AND c.relname = ANY ($1::text[]) AND c.reltoastrelid <> 0
       UNION ALL
       SELECT i.relname, 'index', pg_relation_size(i.oid) FROM pg_index x
         JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
        WHERE c.relnamespace = 'syncline'::regnamespace AND c.relname = ANY ($1::text[])) AS sizes
      WHERE bytes > 0 ORDER BY bytes DESC`,
    [tables],
  );
  return rows;
}
