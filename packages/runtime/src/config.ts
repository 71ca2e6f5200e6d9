/**
 * Configuration comes from the environment alone and is read once, whole: every mistake is reported
 * together, by variable name. No value is ever quoted, since a secret pasted into the wrong
 * variable must not reach a terminal or a log.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { z } from 'zod';
import { problemsOfDriverVariables } from './database-url.js';
import { ConfigError } from './errors.js';
import { type GoogleProxy, toProxy } from './google-proxy.js';
import { type InsecureKind, problemsOfInsecurity } from './insecure.js';
import { type GoogleProject, readProjects } from './projects.js';
import { readRedisTls } from './redis-tls.js';
import type { RedisTls } from './redis/connect.js';
import {
  type Push,
  missingForNotifications,
  toPush,
  toQuotas,
  type Quotas,
} from './resources/index.js';
import { FILE_VARIANTS, VARIABLES, type Values } from './variables.js';

export interface Config {
  /** Postgres ≥ 14; null means the embedded server. */
  databaseUrl: string | null;
  /** Sessions with Postgres that one process may open; null is what its kind of process needs. */
  databasePoolSize: number | null;
  /** How long `migrate` waits for another migration, or for a table that another session uses. */
  migrationLockWaitMs: number;
  /** Redis ≥ 6.2 or Valkey; null means the embedded server. */
  redisUrl: string | null;
  /** Every key of this deployment begins with it and a colon. */
  redisPrefix: string;
  /** Of a `rediss:` URL; null is what the system trusts. */
  redisTls: RedisTls | null;
  /** Absolute path of where embedded servers and generated keys live. */
  dataDir: string;
  /** `projects` are those beside the default one, which is `clientId` with `quotas`. */
  google: {
    apiUrl: string | null;
    clientId: string | null;
    clientSecret: string | null;
    projects: GoogleProject[];
    /** Through which Google is reached; null is straight. */
    proxy: GoogleProxy | null;
  };
  /** What may be insecure beyond loopback, as the operator allows it; logged at each start. */
  allowInsecure: readonly InsecureKind[];
  /** 32 bytes that seal the refresh tokens; null means the one that is kept in `dataDir`. */
  masterKey: Buffer | null;
  /** 32 bytes of the previous master key, which only opens what it sealed; null outside a rotation. */
  oldMasterKey: Buffer | null;
  quotas: Quotas;
  /** How stale a collection may get without a push. */
  poll: { activeMs: number; idleMs: number };
  /** How often a mirror is held against Google by itself; 0 is never. */
  auditEveryMs: number;
  mirror: Mirror;
  /** Jobs that one worker process runs at once. */
  workerConcurrency: number;
  /** How long jobs may wait for a worker that fetches none of them before it ends itself. */
  workerStuckAfterMs: number;
  /** The API's public listener: an IP address or `localhost`. */
  host: string;
  /** Of the public listener; 0 takes a free one. */
  port: number;
  /** The operators' listener of the API, and the address of `metricsPort`. */
  operatorHost: string;
  operatorPort: number;
  /** How long the API keeps a connection between an answer and the next request. */
  httpKeepAliveMs: number;
  /** Where a scheduler or worker serves its own metrics; null is nowhere. */
  metricsPort: number | null;
  logLevel: string;
  /** Null as long as no notification variable is set. */
  push: Push | null;
}

/** What is kept of what Google has. */
interface Mirror {
  /**
   * Of a message's body: text and html, beside them the whole source, the text alone, or nothing.
   */
  bodies: 'full' | 'raw' | 'text' | 'none';
  /** Messages that are not mirrored at all, by where they lie. */
  exclude: readonly ('spam' | 'trash' | 'drafts')[];
  /** How many days a mailbox's first full sync goes back; null is to its beginning. */
  windowDays: number | null;
}

/** A configuration with nothing left open: embedded servers run, the key exists. */
export type ResolvedConfig = Config & {
  databaseUrl: string;
  redisUrl: string;
  masterKey: Buffer;
  google: {
    apiUrl: string | null;
    clientId: string;
    clientSecret: string;
    projects: GoogleProject[];
    proxy: GoogleProxy | null;
  };
};

/**
 * What a process cannot do without. `migrate` needs none, a scheduler needs no Google client; the
 * API hears the notifications that are configured.
 */
export type Requirement = 'google' | 'master-key' | 'notifications';

/**
 * Reads `env`. Relative paths count from the working directory; `checkoutDir` gives the default
 * data directory.
 * @throws ConfigError naming every mistake.
 */
export function loadConfig(
  env: NodeJS.ProcessEnv,
  checkoutDir: string,
  requires: readonly Requirement[] = ['google', 'master-key'],
): Config {
  const problems = unknownVariables(env);
  const filled = withFiles(env, problems);
  const values = parse(filled, problems);
  problems.push(...missing(filled, requires));
  problems.push(...problemsOfInsecurity(filled), ...problemsOfDriverVariables(filled));
  if (values) problems.push(...problemsOfOldKey(values));
  const projects = values
    ? readProjects(values.GOOGLE_PROJECTS_FILE, toQuotas(values), problems)
    : [];
  const redisTls = values ? readRedisTls(values, problems) : null;
  if (requires.includes('notifications'))
    problems.push(...missingForNotifications(filled, projects));
  if (!values || problems.length > 0) throw new ConfigError(problems);
  return toConfig(values, checkoutDir, projects, redisTls);
}

function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known = [...Object.keys(VARIABLES.shape), ...FILE_VARIANTS.map((name) => `${name}_FILE`)];
  const ours = known.filter((name) => name.startsWith('SYNCLINE_'));
  return Object.keys(env)
    .filter((name) => name.startsWith('SYNCLINE_') && !ours.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      return `${name} is not a variable of Syncline${near ? `; did you mean ${near}?` : ''}`;
    });
}

/**
 * The environment with `X_FILE` read into `X`, and empty values dropped: compose files pass unset
 * variables as ''.
 */
function withFiles(env: NodeJS.ProcessEnv, problems: string[]): Record<string, string> {
  const filled = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
  for (const name of FILE_VARIANTS) {
    const file = filled[`${name}_FILE`];
    if (file === undefined) continue;
    if (filled[name] !== undefined)
      problems.push(`${name} and ${name}_FILE are both set; keep one`);
    try {
      filled[name] = readFileSync(file, 'utf8').trim();
      if (filled[name] === '') problems.push(`${name}_FILE names an empty file`);
    } catch (error) {
      problems.push(
        `${name}_FILE names a file that cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
      );
    }
  }
  return filled;
}

function parse(filled: Record<string, string>, problems: string[]): Values | null {
  const parsed = VARIABLES.safeParse(filled);
  if (parsed.success) return parsed.data;
  problems.push(
    ...parsed.error.issues.map(
      (issue: z.core.$ZodIssue) => `${issue.path.join('.')} ${issue.message}`,
    ),
  );
  return null;
}

function missing(filled: Record<string, string>, requires: readonly Requirement[]): string[] {
  const problems: string[] = [];
  if (requires.includes('master-key') && filled['DATABASE_URL'] && !filled['SYNCLINE_MASTER_KEY']) {
    problems.push(
      'SYNCLINE_MASTER_KEY is required with DATABASE_URL: 32 random bytes in base64, as `openssl rand -base64 32` prints them',
    );
  }
  if (requires.includes('google') && !filled['GOOGLE_API_URL']) {
    for (const name of ['GOOGLE_CLIENT_ID', 'GOOGLE_CLIENT_SECRET'] as const) {
      if (!filled[name])
        problems.push(
          `${name} is required with real Google: it is in the OAuth client's page of the Google Cloud console`,
        );
    }
  }
  return problems;
}

/** The generated key of embedded servers is compared where it is read (resolve.ts). */
function problemsOfOldKey(values: Values): string[] {
  const { SYNCLINE_MASTER_KEY: current, SYNCLINE_MASTER_KEY_OLD: old } = values;
  return current && old?.equals(current)
    ? [
        'SYNCLINE_MASTER_KEY_OLD must not be SYNCLINE_MASTER_KEY: it is the key that was in use before',
      ]
    : [];
}

function toConfig(
  values: Values,
  checkoutDir: string,
  projects: GoogleProject[],
  redisTls: RedisTls | null,
): Config {
  return {
    databaseUrl: values.DATABASE_URL ?? null,
    databasePoolSize: values.DATABASE_POOL_SIZE ?? null,
    migrationLockWaitMs: values.MIGRATION_LOCK_WAIT_SECONDS * 1_000,
    redisUrl: values.REDIS_URL ?? null,
    redisPrefix: values.REDIS_PREFIX,
    redisTls,
    dataDir: path.resolve(values.SYNCLINE_DATA_DIR ?? path.join(checkoutDir, '.syncline')),
    google: toGoogle(values, projects),
    allowInsecure: values.SYNCLINE_ALLOW_INSECURE,
    masterKey: values.SYNCLINE_MASTER_KEY ?? null,
    oldMasterKey: values.SYNCLINE_MASTER_KEY_OLD ?? null,
    quotas: toQuotas(values),
    poll: {
      activeMs: values.POLL_INTERVAL_ACTIVE_SECONDS * 1000,
      idleMs: values.POLL_INTERVAL_IDLE_SECONDS * 1000,
    },
    auditEveryMs: values.AUDIT_INTERVAL_HOURS * 3_600_000,
    mirror: {
      bodies: values.MIRROR_BODIES,
      exclude: values.MIRROR_EXCLUDE,
      windowDays: values.MIRROR_WINDOW_DAYS ?? null,
    },
    workerConcurrency: values.WORKER_CONCURRENCY ?? concurrencyFor(availableParallelism()),
    workerStuckAfterMs: values.WORKER_STUCK_SECONDS * 1_000,
    host: values.HOST,
    port: values.PORT,
    operatorHost: values.OPERATOR_HOST,
    operatorPort: values.OPERATOR_PORT,
    httpKeepAliveMs: values.HTTP_KEEP_ALIVE_SECONDS * 1_000,
    metricsPort: values.METRICS_PORT ?? null,
    logLevel: values.LOG_LEVEL,
    push: toPush(values, projects),
  };
}

function toGoogle(values: Values, projects: GoogleProject[]): Config['google'] {
  // The simulator takes any client.
  const fallback = values.GOOGLE_API_URL === undefined ? null : 'syncline-demo';
  return {
    apiUrl: values.GOOGLE_API_URL ?? null,
    clientId: values.GOOGLE_CLIENT_ID ?? fallback,
    clientSecret: values.GOOGLE_CLIENT_SECRET ?? fallback,
    projects,
    proxy: toProxy(values),
  };
}

/**
 * Jobs mostly wait for Google, so one core carries many; past 64 a process's event loop is what
 * they wait for.
 */
export function concurrencyFor(cores: number): number {
  return Math.min(64, Math.max(48, cores * 16));
}

/** The known name within three edits of `name`, if there is one. */
function nearest(name: string, known: readonly string[]): string | null {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= 3 ? best.candidate : null;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
