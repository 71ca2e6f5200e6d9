/**
 * Configuration comes from the environment only and is read once, as a whole. All mistakes are
 * reported together, by variable name. No value is ever quoted, because a secret pasted into the
 * wrong variable must not reach a terminal or a log.
 */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import type { z } from 'zod';
import { problemsOfApiUrl, problemsOfDriverVariables } from './database-url.js';
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
  /** Maximum number of Postgres sessions of one process; null means the default of its service. */
  databasePoolSize: number | null;
  /** The same database under the API's own role; null means `databaseUrl`. */
  databaseApiUrl: string | null;
  /** Maximum number of sessions by which the API reads for its clients. */
  apiPoolSize: number;
  /** How long `migrate` waits for another migration, or for a table that another session uses. */
  migrationLockWaitMs: number;
  /** Redis ≥ 6.2 or Valkey; null means the embedded server. */
  redisUrl: string | null;
  /** Every key of this deployment begins with this prefix and a colon. */
  redisPrefix: string;
  /**
   * TLS files of a `rediss:` URL; null means the certificate authorities that the system trusts.
   */
  redisTls: RedisTls | null;
  /** Absolute path of the directory of the embedded servers and generated keys. */
  dataDir: string;
  /**
   * `projects` are the projects beside the default one. The default project is `clientId` with
   * `quotas`.
   */
  google: {
    apiUrl: string | null;
    clientId: string | null;
    clientSecret: string | null;
    projects: GoogleProject[];
    /** The proxy for requests to Google; null means a direct connection. */
    proxy: GoogleProxy | null;
  };
  /** Insecure settings that the operator allows beyond loopback. They are logged at each start. */
  allowInsecure: readonly InsecureKind[];
  /** 32 bytes that encrypt the refresh tokens; null means the key stored in `dataDir`. */
  masterKey: Buffer | null;
  /**
   * 32 bytes of the previous master key. It only decrypts what it encrypted before; null outside a
   * rotation.
   */
  oldMasterKey: Buffer | null;
  quotas: Quotas;
  /** Maximum age of a collection's data without push notifications. */
  poll: { activeMs: number; idleMs: number };
  /** Interval of the automatic audits of a mirror against Google; 0 means never. */
  auditEveryMs: number;
  /** How long events of the change feed are kept; null: for ever. */
  changesKeptMs: number | null;
  mirror: Mirror;
  /** Number of jobs that one worker process runs at once. */
  workerConcurrency: number;
  /** A worker that fetches no job for this long while jobs are waiting ends its process. */
  workerStuckAfterMs: number;
  /** Address of the API's public listener: an IP address or `localhost`. */
  host: string;
  /** Port of the public listener; 0 selects a free one. */
  port: number;
  /** Address of the API's operator listener and of `metricsPort`. */
  operatorHost: string;
  operatorPort: number;
  /** The connect pages for end users. */
  connect: {
    /** The API's address as browsers and Google see it; null means its listener on loopback. */
    publicUrl: string | null;
    /** Addresses to which browsers may be sent back. */
    returnTo: readonly string[];
    /** The name of the customer's product. */
    appName: string;
  };
  /** How long the API keeps a connection open between a response and the next request. */
  httpKeepAliveMs: number;
  /** Port on which a scheduler or worker serves its own metrics; null means none. */
  metricsPort: number | null;
  logLevel: string;
  /** Null when no notification variable is set. */
  push: Push | null;
}

/** Which of Google's data the mirror keeps. */
interface Mirror {
  /**
   * Parts of a message's body: `full` keeps text and html, `raw` also keeps the whole source,
   * `text` keeps the text only, `none` keeps nothing.
   */
  bodies: 'full' | 'raw' | 'text' | 'none';
  /** Messages that are not mirrored, by the mailbox location that contains them. */
  exclude: readonly ('spam' | 'trash' | 'drafts')[];
  /** Days that a mailbox's first full sync goes back; null means the whole mailbox. */
  windowDays: number | null;
}

/** A complete configuration: the embedded servers are running and the key exists. */
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
 * Settings that a process requires. `migrate` requires none, a scheduler requires no Google client,
 * and the API requires what receiving the configured notifications needs.
 */
export type Requirement = 'google' | 'master-key' | 'notifications';

/**
 * Reads `env`. Relative paths are resolved against the working directory. `checkoutDir` determines
 * the default data directory.
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
  if (values) problems.push(...problemsOfOldKey(values), ...problemsOfApiUrl(values));
  const projects = values
    ? readProjects(values.GOOGLE_PROJECTS_FILE, toQuotas(values), problems)
    : [];
  const redisTls = values ? readRedisTls(values, problems) : null;
  if (requires.includes('notifications'))
    problems.push(...missingForNotifications(filled, projects));
  if (!values || problems.length > 0) throw new ConfigError(problems);
  return toConfig(values, checkoutDir, projects, redisTls);
}

/** Of programs that use the HTTP API, which may be in the shell in which a program of ours is started. */
const OF_CLIENTS = new Set(['SYNCLINE_API_URL', 'SYNCLINE_API_KEY']);

function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known = [...Object.keys(VARIABLES.shape), ...FILE_VARIANTS.map((name) => `${name}_FILE`)];
  const ours = known.filter((name) => name.startsWith('SYNCLINE_'));
  return Object.keys(env)
    .filter((name) => name.startsWith('SYNCLINE_') && !ours.includes(name) && !OF_CLIENTS.has(name))
    .map((name) => {
      const near = nearest(name, known);
      return `${name} is not a variable of Syncline${near ? `; did you mean ${near}?` : ''}`;
    });
}

/**
 * Returns the environment with the file of each `X_FILE` read into `X`, without empty values:
 * compose files pass unset variables as ''.
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

/**
 * Compares the two configured keys. `resolve.ts` compares the generated key of the embedded
 * servers.
 */
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
    databaseApiUrl: values.DATABASE_API_URL ?? null,
    apiPoolSize: values.API_POOL_SIZE,
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
    changesKeptMs:
      values.CHANGES_RETENTION_DAYS === 0 ? null : values.CHANGES_RETENTION_DAYS * 86_400_000,
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
    connect: toConnect(values),
    httpKeepAliveMs: values.HTTP_KEEP_ALIVE_SECONDS * 1_000,
    metricsPort: values.METRICS_PORT ?? null,
    logLevel: values.LOG_LEVEL,
    push: toPush(values, projects),
  };
}

/** The name of the customer's product where the operator has set none. */
export const UNNAMED_APP = 'this application';

function toConnect(values: Values): Config['connect'] {
  return {
    publicUrl: values.PUBLIC_URL ?? null,
    returnTo: values.CONNECT_RETURN_TO,
    appName: values.CONNECT_APP_NAME ?? UNNAMED_APP,
  };
}

function toGoogle(values: Values, projects: GoogleProject[]): Config['google'] {
  // The simulator accepts any client.
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
 * Jobs mostly wait for Google, so one core runs many. Above 64 jobs the event loop of a process is
 * the bottleneck.
 */
export function concurrencyFor(cores: number): number {
  return Math.min(64, Math.max(48, cores * 16));
}

/** Returns the known name with the smallest edit distance to `name`, up to three edits, or null. */
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
