/**
 * The fields that a log line may have. Of a field that is not listed, or whose value does not have
 * the form given here, the line has the name only.
 */
import { describeError, errorFields, stackFrames } from './describe-error.js';

export const REDACTED = '[redacted]';
const NAME_LIMIT = 128;
const TEXT_LIMIT = 4_000;
const ITEMS_LIMIT = 50;

/** The type of the values of each form. */
interface Forms {
  /** A number, a date, or yes and no. */
  value: number | bigint | boolean | Date;
  /** A name or an id: no blanks, quotes or addresses. */
  name: string;
  /** A short text that the program wrote. */
  text: string;
  texts: readonly (string | number)[];
  /** Numbers by name. */
  counts: Readonly<Record<string, number>>;
  /** What `describe-error.ts` says of it. Anything can be thrown. */
  error: unknown;
}

export const LOG_FIELDS = {
  accountId: 'name',
  attempt: 'value',
  board: 'text',
  buckets: 'value',
  cause: 'name',
  changes: 'value',
  checked: 'value',
  code: 'text',
  collectionId: 'name',
  collections: 'value',
  concurrency: 'counts',
  contents: 'value',
  count: 'value',
  crashes: 'value',
  deadlineMs: 'value',
  drift: 'value',
  epoch: 'value',
  err: 'error',
  event: 'name',
  failures: 'value',
  final: 'value',
  from: 'name',
  full: 'value',
  holder: 'name',
  httpProxy: 'text',
  httpsProxy: 'text',
  items: 'value',
  jobId: 'name',
  jobs: 'value',
  kind: 'name',
  label: 'name',
  lacking: 'value',
  lease: 'text',
  leases: 'value',
  loop: 'name',
  meanMs: 'value',
  method: 'name',
  missing: 'value',
  ms: 'value',
  operatorPort: 'value',
  operatorUrl: 'text',
  noProxy: 'text',
  outcome: 'name',
  places: 'texts',
  port: 'value',
  prefix: 'name',
  probe: 'name',
  project: 'text',
  purpose: 'name',
  queue: 'name',
  queues: 'counts',
  reason: 'text',
  reasons: 'texts',
  recovery: 'name',
  requestId: 'name',
  resource: 'name',
  route: 'name',
  session: 'name',
  rows: 'value',
  running: 'value',
  scope: 'name',
  server: 'text',
  stack: 'text',
  starvingMs: 'value',
  state: 'name',
  suppressed: 'value',
  tenant: 'text',
  timeoutMs: 'value',
  topics: 'texts',
  until: 'value',
  url: 'text',
  waiting: 'value',
  why: 'text',
} as const satisfies Record<string, keyof Forms>;

type LogField = keyof typeof LOG_FIELDS;
export type LogFields = {
  readonly [Field in LogField]?: Forms[(typeof LOG_FIELDS)[Field]] | null | undefined;
};
/** Refuses unlisted fields that a spread or a variable brings along. */
export type OnlyListed<Fields> = Fields & Record<Exclude<AllKeys<Fields>, LogField>, never>;
/** `keyof` of a union has only what its members share. */
type AllKeys<Fields> = Fields extends unknown ? keyof Fields : never;

/** `fields` as they are written. */
export function listedFields(fields: object, withStack: boolean): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => [nameForLog(name), listedValue(name, value, withStack)]),
  );
}

function listedValue(name: string, value: unknown, withStack: boolean): unknown {
  if (!Object.hasOwn(LOG_FIELDS, name)) return REDACTED;
  if (value === null) return null;
  return WRITERS[LOG_FIELDS[name as LogField]](value, withStack) ?? REDACTED;
}

/** Undefined for a value that does not have the form. */
type Writer = (value: unknown, withStack: boolean) => unknown;

const WRITERS: Record<keyof Forms, Writer> = {
  value: valueForLog,
  name: (value) =>
    typeof value === 'string' && value.length <= NAME_LIMIT && /^[\w.:/-]*$/.test(value)
      ? value
      : undefined,
  text: textForLog,
  texts: (value) =>
    Array.isArray(value)
      ? value
          .slice(0, ITEMS_LIMIT)
          .map((one) => (typeof one === 'number' ? one : (textForLog(one) ?? REDACTED)))
      : undefined,
  counts: (value) => (isRecord(value) ? countsForLog(value) : undefined),
  error: (error, withStack) => ({
    ...(error instanceof Error ? errorFields(error) : { message: describeError(error) }),
    ...(withStack && error instanceof Error ? { stack: stackFrames(error).join('\n') } : {}),
  }),
};

function valueForLog(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  return typeof value === 'number' || typeof value === 'boolean' ? value : undefined;
}

function textForLog(value: unknown): string | undefined {
  return typeof value === 'string' ? value.slice(0, TEXT_LIMIT) : undefined;
}

function countsForLog(counts: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(counts)
      .slice(0, ITEMS_LIMIT)
      .map(([name, count]) => [nameForLog(name), typeof count === 'number' ? count : REDACTED]),
  );
}

/** A name that was made of data, such as an address, is data. */
function nameForLog(name: string): string {
  return /^[A-Za-z][\w-]{0,63}$/.test(name) ? name : '[name]';
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
