/**
 * The three lists: pages, sync tokens and what must be equal in later calls
 * (developers.google.com/people/api/rest/v1/people.connections/list):
 * "When the pageToken or syncToken is specified, all other request parameters must match the first
 * call." "Sync tokens expire 7 days after the full sync." "Writes may have a propagation delay of
 * several minutes for sync requests."
 */
import { jsonReply, type Reply } from '../http/reply.js';
import type { Asked } from '../sim.js';
import { expiredSyncToken, invalidArgument } from './errors.js';
import { isReply } from './parameters.js';
import {
  parametersKey,
  readPageToken,
  readSyncToken,
  writePageToken,
  writeSyncToken,
} from './tokens.js';
import type { Version, VersionedList } from './versions.js';

export interface Row<Body> {
  /** Its position; pages continue after one. */
  at: number;
  version: Version<Body>;
}

/** A call of a list after its parameters were checked. */
export interface ListCall<Body> {
  readonly entries: VersionedList<Body>;
  readonly size: number;
  /** The parameters that a sync token prescribes. */
  readonly parameters: readonly (string | number | boolean)[];
  /** Whether the last page has a sync token. */
  readonly wantsToken: boolean;
  /** The positions in a full list, when not by the latest change. */
  readonly order?: (versions: Version<Body>[]) => Row<Body>[];
  readonly render: (version: Version<Body>, isIncremental: boolean) => unknown;
  /** Name of the items in the answer. */
  readonly items: string;
  /** Names of the total in the answer. */
  readonly totals: readonly string[];
}

/** Where a call continues. */
interface Position {
  /** Only changes after this revision; null in a full sync. */
  since: number | null;
  after: number;
  revision: number;
  beganMs: number;
}

export function servePage<Body>(asked: Asked, call: ListCall<Body>): Reply {
  const position = positionOf(asked, call);
  if (isReply(position)) return position;
  const rows = rowsOf(asked, call, position.since);
  const left = rows.filter(({ at }) => at > position.after);
  const page = left.slice(0, pageLength(asked, call.size));
  const next =
    page.length < left.length
      ? { nextPageToken: pageToken(asked, call, position, page.at(-1)?.at ?? position.after) }
      : lastPage(asked, call, position);
  const isIncremental = position.since !== null;
  const items = page.map(({ version }) => call.render(version, isIncremental));
  // Fields with default values are absent, as in all answers that are made from protocol buffers.
  const totals = rows.length === 0 ? [] : call.totals.map((name) => [name, rows.length]);
  return jsonReply(
    {
      ...(items.length === 0 ? {} : { [call.items]: items }),
      ...next,
      ...(Object.fromEntries(totals) as object),
    },
    asked.format,
  );
}

/** Returns a page token for the first page of the requested list; null when the call is refused. */
export function firstPageOf<Body>(asked: Asked, call: ListCall<Body>): string | null {
  const position = positionOf(asked, call);
  return isReply(position) ? null : pageToken(asked, call, position, 0);
}

function positionOf<Body>(asked: Asked, call: ListCall<Body>): Position | Reply {
  const nowMs = asked.sim.clock.nowMs();
  const sync = syncOf(asked, call);
  if (sync !== null && isReply(sync)) return sync;
  const start = {
    since: sync?.revision ?? null,
    after: 0,
    revision: call.entries.revisionAt(visibleMs(asked, call)),
    beganMs: sync?.beganMs ?? nowMs,
  };
  const text = asked.query.get('pageToken') ?? '';
  if (text === '') return start;
  const token = readPageToken(text);
  if (token?.scope !== scopeOf(asked) || token.parameters !== pageKey(asked, call))
    return invalidArgument();
  const { after, revision, beganMs } = token;
  return { since: start.since, after, revision, beganMs };
}

/** Returns the sync token of the call, null without one, or the error. */
function syncOf<Body>(
  asked: Asked,
  { entries, parameters }: ListCall<Body>,
): { revision: number; beganMs: number } | null | Reply {
  const text = asked.query.get('syncToken') ?? '';
  if (text === '') return null;
  const token = readSyncToken(text);
  if (token?.scope !== scopeOf(asked)) return invalidArgument();
  const ageMs = asked.sim.clock.nowMs() - token.beganMs;
  if (token.generation < entries.generation || ageMs >= asked.sim.settings.peopleTokenRetentionMs)
    return expiredSyncToken();
  return token.parameters === parametersKey(parameters) ? token : invalidArgument();
}

function rowsOf<Body>(asked: Asked, call: ListCall<Body>, since: number | null): Row<Body>[] {
  const versions = call.entries.at(visibleMs(asked, call));
  if (since !== null)
    return byChange(
      versions.filter(({ fate, revision }) => fate !== 'absorbed' && revision > since),
    );
  const live = versions.filter(({ fate }) => fate === 'live');
  return call.order === undefined
    ? byChange(live)
    : call.order(live).toSorted((a, b) => a.at - b.at);
}

/** An item that changes during the listing comes again at its end. */
function byChange<Body>(versions: Version<Body>[]): Row<Body>[] {
  return versions
    .toSorted((a, b) => a.revision - b.revision)
    .map((version) => ({ at: version.revision, version }));
}

/** Sync requests have what was written before the propagation delay. */
function visibleMs<Body>(asked: Asked, { wantsToken }: ListCall<Body>): number {
  const isSync = wantsToken || (asked.query.get('syncToken') ?? '') !== '';
  return asked.sim.clock.nowMs() - (isSync ? asked.sim.settings.propagationDelayMs : 0);
}

function lastPage<Body>(
  asked: Asked,
  { wantsToken, parameters, entries }: ListCall<Body>,
  { revision, beganMs }: Position,
): { nextSyncToken?: string } {
  if (!wantsToken) return {};
  const { generation } = entries;
  const token = { revision, beganMs, generation, parameters: parametersKey(parameters) };
  return { nextSyncToken: writeSyncToken({ scope: scopeOf(asked), ...token }) };
}

function pageToken<Body>(
  asked: Asked,
  call: ListCall<Body>,
  { revision, beganMs }: Position,
  after: number,
): string {
  const parameters = pageKey(asked, call);
  return writePageToken({ scope: scopeOf(asked), parameters, after, revision, beganMs });
}

function pageKey<Body>(asked: Asked, { parameters, wantsToken }: ListCall<Body>): number {
  return parametersKey([...parameters, wantsToken, asked.query.get('syncToken') ?? '']);
}

function scopeOf({ method, account }: Asked): string {
  return `${method.name} ${account.key}`;
}

function pageLength(asked: Asked, size: number): number {
  const { largestPage, shortPeoplePages } = asked.sim.settings;
  const length = Math.min(size, largestPage);
  return shortPeoplePages ? asked.sim.traffic.below(length + 1) : length;
}
