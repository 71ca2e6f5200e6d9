import { assert } from '@syncline/runtime';
import {
  type QueueName,
  type ResourceName,
  isFullQueue,
  isResourceName,
  resourceNamedBy,
} from './queues.js';

/**
 * What a job holds: ids, and a little that tells people in Bull Board whose it is. What is to be done is read from
 * Postgres when a worker takes the job, so a job that waited an hour is not out of date. Each field is an opaque id, a
 * word of a closed list, or the tenant's name, which is left out where it could be an address: no address, subject,
 * body or token can be in it.
 */
export interface JobPayload {
  collection: string;
  /** Null in a job of the version that wrote `{v: 1, collectionId}`. */
  account: string | null;
  /** Null also where the tenant's name is empty or could be an address. */
  tenant: string | null;
  /** Null in a watch job of that version. */
  resource: ResourceName | null;
  /** Null for a job that maintains a watch. */
  mode: JobMode | null;
  cause: JobCause;
}

type JobMode = 'full' | 'incremental';

/** Why there is a job: its date came, Google notified, somebody asked, or a run before it failed or was cut off. */
type JobCause = 'schedule' | 'notification' | 'request' | 'retry';

/** What whoever enqueues a job knows of it. */
export interface JobSubject {
  collectionId: string;
  /** Whose it is, for people in Bull Board. Default: not said. */
  accountId?: string | null;
  tenant?: string | null;
  /** Of a watch job; a sync's is its queue's. Default: not said. */
  resource?: ResourceName | null;
  /** Default: `schedule`. */
  cause?: JobCause;
}

export interface Enqueued extends JobSubject {
  queue: QueueName;
  /**
   * It goes before others in its queue: somebody who has just connected waits for this full sync,
   * its last run was cut off, or Google has notified.
   */
  first?: boolean;
}

/** What Redis and Bull Board hold of a payload. Unknown fields are absent. */
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

// Opaque ids have no `@`, no space and no dot: an address or a domain cannot pass for one.
const OPAQUE_ID = /^[A-Za-z0-9_-]{1,64}$/;
const ACCOUNT_ID = /^[A-Za-z0-9_-]{1,36}$/;
/** Longer names are cut: a job's data is small, and the account's id says the rest. */
const TENANT_LENGTH = 40;
const TENANT = /^[A-Za-z0-9_.-]{1,40}$/;

export function jobData(subject: JobSubject, queue: QueueName): JobData {
  const { collectionId, cause = 'schedule' } = subject;
  assert(
    OPAQUE_ID.test(collectionId),
    'a job is for a collection id: 1 to 64 letters, digits, - or _',
  );
  const data: JobData = { collection: collectionId, cause, ...whoseIn(subject) };
  const resource = queue === 'watch' ? subject.resource : resourceNamedBy(queue);
  if (resource != null) data.resource = resource;
  if (queue !== 'watch') data.mode = modeOf(queue);
  return data;
}

/**
 * The payload of a job of this queue as Redis gave it, or null if it isn't exactly ours (evicted, hand-made, of another
 * queue or version). `{v: 1, collectionId}`, which the version before wrote, is read too: an upgrade delays no work.
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

/** What a job is called in Bull Board: `gmail incremental acme`, `gmail watch acme`. */
export function jobName(
  queue: QueueName,
  { resource, tenant }: { resource?: string | null; tenant?: string | null },
): string {
  const work = queue === 'watch' ? 'watch' : modeOf(queue);
  return [resource, work, tenant].filter((word) => word != null).join(' ');
}

function whoseIn({ accountId, tenant }: JobSubject): Pick<JobData, 'account' | 'tenant'> {
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
