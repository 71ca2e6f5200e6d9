import { assert } from '@syncline/runtime';
import {
  type QueueName,
  type ResourceName,
  isFullQueue,
  isResourceName,
  resourceNamedBy,
} from './queues.js';

/**
 * The data of a job: ids, and what Bull Board needs to show whose job it is. The task itself is
 * read from Postgres when a worker takes the job, so a job that waited an hour is not outdated.
 * Each field is an opaque id, a word of a closed list, or the tenant's name, which is left out when
 * it could be an address. So the data cannot contain an address, a subject, a body or a token.
 */
export interface JobPayload {
  collection: string;
  /** Null in a job of the earlier version, `{v: 1, collectionId}`. */
  account: string | null;
  /** Null also when the tenant's name is empty or could be an address. */
  tenant: string | null;
  /** Null in a watch job of the earlier version. */
  resource: ResourceName | null;
  /** Null for a job that maintains a watch. */
  mode: JobMode | null;
  cause: JobCause;
}

type JobMode = 'full' | 'incremental';

/**
 * Why the job exists: its collection was due, Google notified, somebody requested a sync, or the
 * previous run failed or was cut off.
 */
type JobCause = 'schedule' | 'notification' | 'request' | 'retry';

/** What the caller of `enqueue` knows about a job. */
export interface JobSubject {
  collectionId: string;
  /** The owner, for people in Bull Board. Default: not shown. */
  accountId?: string | null;
  tenant?: string | null;
  /** For a watch job; a sync's resource is that of its queue. Default: not shown. */
  resource?: ResourceName | null;
  /** Default: `schedule`. */
  cause?: JobCause;
}

export interface Enqueued extends JobSubject {
  queue: QueueName;
  /**
   * Whether the job goes to the head of its queue: a new account waits for this full sync, its last
   * run was cut off, or Google has notified.
   */
  first?: boolean;
}

/** The form of a payload in Redis and Bull Board. Unknown fields are omitted. */
export type JobData = { collection: string; cause: JobCause } & Partial<
  Record<'account' | 'tenant' | 'resource' | 'mode', string>
>;

const CAUSES: ReadonlySet<string> = new Set<JobCause>([
  'schedule',
  'notification',
  'request',
  'retry',
]);
const FIELDS: ReadonlySet<string> = new Set([
  'account',
  'tenant',
  'collection',
  'resource',
  'mode',
  'cause',
]);

// Opaque ids contain no `@`, space or dot, so an address or a domain cannot pass as one.
const OPAQUE_ID = /^[A-Za-z0-9_-]{1,64}$/;
const ACCOUNT_ID = /^[A-Za-z0-9_-]{1,36}$/;
/**
 * Longer names are truncated to keep the job's data small; the account's id identifies the owner.
 */
const TENANT_LENGTH = 40;
const TENANT = /^[A-Za-z0-9_.-]{1,40}$/;

export function jobData(subject: JobSubject, queue: QueueName): JobData {
  const { collectionId, cause = 'schedule' } = subject;
  assert(
    OPAQUE_ID.test(collectionId),
    'a job is for a collection id: 1 to 64 letters, digits, - or _',
  );
  const data: JobData = { collection: collectionId, cause, ...subjectIn(subject) };
  const resource = queue === 'watch' ? subject.resource : resourceNamedBy(queue);
  if (resource != null) data.resource = resource;
  if (queue !== 'watch') data.mode = modeOf(queue);
  return data;
}

/**
 * Reads the payload of a job of this queue from Redis. Returns null when it does not have exactly
 * our form (evicted, hand-made, of another queue or version). `{v: 1, collectionId}` of the earlier
 * version is accepted, so that an upgrade delays no work.
 */
export function readJobData(raw: unknown, queue: QueueName): JobPayload | null {
  if (typeof raw !== 'object' || raw === null) return null;
  const data = raw as Record<string, unknown>;
  if ('v' in data) return readFirstVersion(data, queue);
  const { collection, account, tenant, resource, mode, cause } = data;
  const isOurs =
    isMatch(OPAQUE_ID, collection) &&
    isAbsentOrMatch(ACCOUNT_ID, account) &&
    isAbsentOrMatch(TENANT, tenant) &&
    isCause(cause) &&
    isOfQueue(resource, mode, queue) &&
    Object.keys(data).every((field) => FIELDS.has(field));
  if (!isOurs) return null;
  const whose = { account: account ?? null, tenant: tenant ?? null };
  return { collection, ...whose, ...wordsOf(queue, resource), cause };
}

/** Returns the name of a job in Bull Board: `gmail incremental acme`, `gmail watch acme`. */
export function jobName(
  queue: QueueName,
  { resource, tenant }: { resource?: string | null; tenant?: string | null },
): string {
  const work = queue === 'watch' ? 'watch' : modeOf(queue);
  return [resource, work, tenant].filter((word) => word != null).join(' ');
}

function subjectIn({ accountId, tenant }: JobSubject): Pick<JobData, 'account' | 'tenant'> {
  const shownTenant = tenant?.slice(0, TENANT_LENGTH) ?? '';
  return {
    ...(ACCOUNT_ID.test(accountId ?? '') ? { account: accountId ?? '' } : {}),
    ...(TENANT.test(shownTenant) ? { tenant: shownTenant } : {}),
  };
}

function readFirstVersion(data: Record<string, unknown>, queue: QueueName): JobPayload | null {
  const { v, collectionId, ...others } = data;
  if (v !== 1 || !isMatch(OPAQUE_ID, collectionId) || Object.keys(others).length > 0) return null;
  return {
    collection: collectionId,
    account: null,
    tenant: null,
    ...wordsOf(queue, undefined),
    cause: 'schedule',
  };
}

function wordsOf(queue: QueueName, resource: unknown): Pick<JobPayload, 'resource' | 'mode'> {
  if (queue !== 'watch') return { resource: resourceNamedBy(queue), mode: modeOf(queue) };
  return { resource: isResourceName(resource) ? resource : null, mode: null };
}

function isOfQueue(resource: unknown, mode: unknown, queue: QueueName): boolean {
  if (queue !== 'watch') return resource === resourceNamedBy(queue) && mode === modeOf(queue);
  return mode === undefined && (resource === undefined || isResourceName(resource));
}

function modeOf(queue: Exclude<QueueName, 'watch'>): JobMode {
  return isFullQueue(queue) ? 'full' : 'incremental';
}

function isMatch(pattern: RegExp, value: unknown): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function isAbsentOrMatch(pattern: RegExp, value: unknown): value is string | undefined {
  return value === undefined || isMatch(pattern, value);
}

function isCause(value: unknown): value is JobCause {
  return typeof value === 'string' && CAUSES.has(value);
}
