import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Redis } from 'ioredis';
import type pg from 'pg';

/*
 * The places where a fleet leaves data that others can read. Each function reads one place whole,
 * as text; bytes are read as Latin-1, so that nothing is lost.
 */

/** Returns every key with its value, and the names of the connections. */
export async function redisContent(url: string): Promise<string> {
  const redis = new Redis(url);
  try {
    const parts = [String(await redis.call('CLIENT', 'LIST'))];
    for (const key of await redis.keysBuffer('*'))
      parts.push(latin1(key), latin1Of(await valueOf(redis, key)));
    return parts.join('\n');
  } finally {
    redis.disconnect();
  }
}

/**
 * Returns Redis' files: a current snapshot, and the log of every write since the start. Neither may
 * be compressed.
 */
export async function redisFiles(url: string, directory: string): Promise<string> {
  const redis = new Redis(url);
  try {
    await redis.save();
  } finally {
    redis.disconnect();
  }
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

async function valueOf(redis: Redis, key: Buffer): Promise<unknown> {
  const type = await redis.type(key);
  switch (type) {
    case 'string':
      return redis.getBuffer(key);
    case 'hash':
      return redis.callBuffer('HGETALL', key);
    case 'list':
      return redis.lrangeBuffer(key, 0, -1);
    case 'set':
      return redis.smembersBuffer(key);
    case 'zset':
      return redis.callBuffer('ZRANGE', key, '0', '-1', 'WITHSCORES');
    case 'stream':
      return redis.callBuffer('XRANGE', key, '-', '+');
    case 'none':
      return '';
    default:
      throw new Error(`keys of the type ${type} are not read`);
  }
}

function latin1Of(value: unknown): string {
  if (Array.isArray(value)) return value.map(latin1Of).join(' ');
  return Buffer.isBuffer(value) ? latin1(value) : String(value);
}

const latin1 = (bytes: Buffer): string => bytes.toString('latin1');

/** The tables of Google's resources; every other table of the schema belongs to the engine. */
export const MIRROR_TABLES = [
  'calendar_events',
  'calendars',
  'cancelled_occurrences',
  'contact_groups',
  'contacts',
  'gmail_attachments',
  'gmail_bodies',
  'gmail_labels',
  'gmail_messages',
  'gmail_sources',
  'gmail_threads',
  'other_contacts',
];

export interface Column {
  table: string;
  column: string;
  values: string[];
}

/**
 * Returns every column of every table of the database except Postgres' own; bytes in hexadecimal.
 */
export async function columnsOf(pool: pg.Pool): Promise<Column[]> {
  const { rows: columns } = await pool.query<{ schema: string; table: string; column: string }>(
    `SELECT table_schema AS schema, table_name AS table, column_name AS column
       FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
      WHERE table_schema NOT IN ('pg_catalog', 'information_schema') AND table_type = 'BASE TABLE'`,
  );
  const read: Column[] = [];
  for (const { schema, table, column } of columns) {
    const { rows } = await pool.query<{ value: string }>(
      `SELECT DISTINCT "${column}"::text AS value FROM "${schema}"."${table}" WHERE "${column}" IS NOT NULL`,
    );
    read.push({ table, column, values: rows.map(({ value }) => value) });
  }
  return read;
}

/**
 * Returns the current or last statement of each session of this database, from pg_stat_activity.
 */
export async function statementsOf(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ text: string }>(
    "SELECT concat_ws(' ', application_name, query) AS text FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
  );
  return rows.map(({ text }) => text).join('\n');
}

const BOARD_STATES = [
  'latest',
  'active',
  'waiting',
  'completed',
  'failed',
  'delayed',
  'prioritized',
  'paused',
];
const QUEUES = [
  'gmail-full',
  'gmail-incremental',
  'calendar-full',
  'calendar-incremental',
  'contacts-full',
  'contacts-incremental',
  'watch',
];
const JOBS_OF_A_QUEUE = 20;

/**
 * Returns Bull Board's page, and the responses to its requests: the jobs of each queue in each
 * state, single jobs and their logs.
 */
export async function boardContent(origin: string): Promise<string> {
  const parts = [await answerOf(`${origin}/board/`)];
  for (const queue of QUEUES) {
    const ids = new Set<string>();
    for (const status of BOARD_STATES) {
      const text = await answerOf(
        `${origin}/board/api/queues?activeQueue=${queue}&status=${status}&page=1&jobsPerPage=200`,
      );
      parts.push(text);
      for (const [, id] of text.matchAll(/"id":"([^"]{1,64})"/g)) ids.add(id as string);
    }
    for (const id of [...ids].slice(0, JOBS_OF_A_QUEUE))
      for (const page of [id, `${id}/logs`])
        parts.push(
          await answerOf(
            `${origin}/board/api/queues/${queue}/${encodeURIComponent(page).replace('%2F', '/')}`,
          ),
        );
  }
  return parts.join('\n');
}

/** Returns status, headers and body of a response. */
export async function answerOf(url: string, options: RequestInit = {}): Promise<string> {
  const answer = await fetch(url, options);
  return `${answer.status} ${JSON.stringify([...answer.headers])}\n${await answer.text()}`;
}
