import { CALENDAR } from './calendar/resource.js';
import { GMAIL } from './gmail/resource.js';

/*
 * The registry of what an account may have mirrored: names, collections and tables. What writes and
 * reads the rows is in index.ts.
 */

/** What the schedule, the leases and the removal know of a resource. */
export interface ResourceRows {
  /** Kinds of its collections. */
  collections: readonly string[];
  /** The collection that is opened when an account is connected. */
  first: { kind: string; externalId: string };
  /** An account has it unless it is connected for other resources. */
  isDefault: boolean;
  /** Google is asked for its items one by one; otherwise a listing brings them whole. */
  isReadOneByOne: boolean;
  /** Methods whose quota has a limit for a day as well, as a pattern of LIKE. */
  methodsWithDayLimit?: string;
  /** Of `collections c`: a full sync is due although nobody has asked for one. */
  wantsFull?: string;
  /**
   * Of `accounts a`, in SQL: it has rows of this resource that not every Google account has. A new
   * grant has to prove that it belongs to them.
   */
  hasOwnRows: string;
  /** Its tables in the order in which they are erased. */
  tables: readonly MirrorTable[];
}

/** A table of a resource's rows. */
interface MirrorTable {
  name: string;
  /** What names a row beside the account. */
  key: readonly string[];
  /** What the feed calls a row of it; absent where the feed does not name it. */
  entity?: string;
}

const REGISTRY = { gmail: GMAIL, calendar: CALENDAR } as const satisfies Record<
  string,
  ResourceRows
>;

export type Resource = keyof typeof REGISTRY;
export type CollectionKind = (typeof REGISTRY)[Resource]['collections'][number];
/** What the feed calls a row. */
export type Entity = Extract<
  (typeof REGISTRY)[Resource]['tables'][number],
  { entity: string }
>['entity'];

/** One resource, with the names as types. */
type Registered = Omit<ResourceRows, 'collections' | 'first' | 'tables'> & {
  collections: readonly CollectionKind[];
  first: { kind: CollectionKind; externalId: string };
  tables: readonly (MirrorTable & { entity?: Entity })[];
};

export const RESOURCES: Readonly<Record<Resource, Registered>> = REGISTRY;

export const RESOURCE_NAMES = Object.keys(REGISTRY) as readonly Resource[];

export const DEFAULT_RESOURCES = RESOURCE_NAMES.filter((name) => RESOURCES[name].isDefault);

export const COLLECTION_KINDS: readonly CollectionKind[] = RESOURCE_NAMES.flatMap(
  (name) => RESOURCES[name].collections,
);

const OF_KIND = new Map(
  RESOURCE_NAMES.flatMap((name) => RESOURCES[name].collections.map((kind) => [kind, name])),
);

export function resourceOf(kind: CollectionKind): Resource {
  return OF_KIND.get(kind) ?? kindUnknown(kind);
}

/** Whether its rows name the resource's other collections, or it has none. */
export function isFirst(kind: CollectionKind): boolean {
  return RESOURCES[resourceOf(kind)].first.kind === kind;
}

/** In SQL: whether the collection `c` is of one of these kinds. */
export function hasKind(kinds: readonly CollectionKind[]): string {
  return `c.kind IN (${kinds.map((kind) => `'${kind}'`).join(', ')})`;
}

/** In SQL: whether the collection `c` is one of the resource's. */
export function collectionsOf(resource: Resource): string {
  return hasKind(RESOURCES[resource].collections);
}

/**
 * In SQL: in which range of the index of due work (`collections_due_by_queue_idx`) a collection is.
 * It has one for the mailboxes and one for all others; a further resource can have its own.
 * @param alias of `collections`, with its dot
 */
export function dueRange(alias = ''): string {
  return `(${alias}kind = 'gmail')`;
}

/** The value of `dueRange` for a resource's collections. */
export function isInDueRange(resource: Resource): boolean {
  return resource === 'gmail';
}

/** Whether Google is asked for the collection's items one by one, and not by listing alone. */
export function isReadOneByOne(kind: CollectionKind): boolean {
  return RESOURCES[resourceOf(kind)].isReadOneByOne;
}

function kindUnknown(kind: string): never {
  throw new Error(`no resource has collections of the kind ${kind}`);
}
