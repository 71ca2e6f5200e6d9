import { CALENDAR } from './calendar/resource.js';
import { CONTACTS } from './contacts/resource.js';
import { GMAIL } from './gmail/resource.js';

/*
 * The registry of the resources that an account can have: names, collections and tables. The code
 * that writes and reads the rows is in index.ts.
 */

/** The properties of a resource that the schedule, the leases and the removal use. */
export interface ResourceRows {
  /** Kinds of its collections. */
  collections: readonly string[];
  /**
   * The collections that are opened when an account is connected. The rows of the first one name
   * the further collections of the resource, if it has any.
   */
  first: readonly [FirstCollection<string>, ...FirstCollection<string>[]];
  /** The scopes of Google that reading it needs. */
  scopes: readonly string[];
  /** Whether an account has this resource unless it is connected for other resources. */
  isDefault: boolean;
  /**
   * Whether Google's items are requested one by one. Otherwise a listing contains them completely.
   */
  isReadOneByOne: boolean;
  /** LIKE pattern of the methods whose quota also has a daily limit. */
  methodsWithDayLimit?: string;
  /** SQL condition on `collections c`: a full sync is due without a request. */
  wantsFull?: string;
  /**
   * SQL condition on `collections c` in state `gone`: nothing in the mirror belongs to it any more.
   */
  goneForGood?: string;
  /**
   * SQL condition on `accounts a`: the account has rows of this resource that not every Google
   * account has. A new grant must be shown to belong to the same account as these rows.
   */
  hasOwnRows: string;
  /** Tables of the resource in the order in which they are erased. */
  tables: readonly MirrorTable[];
}

interface FirstCollection<Kind> {
  kind: Kind;
  externalId: string;
}

/** A table of a resource's rows. */
interface MirrorTable {
  name: string;
  /** Key columns of a row besides the account. */
  key: readonly string[];
  /** Name of the rows in the feed; absent when the feed does not contain them. */
  entity?: string;
}

const REGISTRY = {
  gmail: GMAIL,
  calendar: CALENDAR,
  contacts: CONTACTS,
} as const satisfies Record<string, ResourceRows>;

export type Resource = keyof typeof REGISTRY;
export type CollectionKind = (typeof REGISTRY)[Resource]['collections'][number];
/** Names of rows in the feed. */
export type Entity = Extract<
  (typeof REGISTRY)[Resource]['tables'][number],
  { entity: string }
>['entity'];

/** A resource with its names as literal types. */
type Registered = Omit<ResourceRows, 'collections' | 'first' | 'tables'> & {
  collections: readonly CollectionKind[];
  first: readonly [FirstCollection<CollectionKind>, ...FirstCollection<CollectionKind>[]];
  tables: readonly (MirrorTable & { entity?: Entity })[];
};

export const RESOURCES: Readonly<Record<Resource, Registered>> = REGISTRY;

export const RESOURCE_NAMES = Object.keys(REGISTRY) as readonly Resource[];

/** Returns the scopes of Google that reading these resources needs, in the order of the registry. */
export function scopesOf(resources: readonly Resource[]): string[] {
  return RESOURCE_NAMES.filter((name) => resources.includes(name)).flatMap(
    (name) => RESOURCES[name].scopes,
  );
}

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

/** Whether the collection is opened when an account is connected. */
export function isFirst(kind: CollectionKind): boolean {
  return RESOURCES[resourceOf(kind)].first.some((first) => first.kind === kind);
}

/** Returns the kind of the collection whose rows name the resource's further collections. */
export function listingKindOf(kind: CollectionKind): CollectionKind {
  return RESOURCES[resourceOf(kind)].first[0].kind;
}

/** SQL: whether the collection `c` is of one of these kinds. */
export function hasKind(kinds: readonly CollectionKind[]): string {
  return `c.kind IN (${kinds.map((kind) => `'${kind}'`).join(', ')})`;
}

/** SQL: whether the collection `c` belongs to the resource. */
export function collectionsOf(resource: Resource): string {
  return hasKind(RESOURCES[resource].collections);
}

/**
 * SQL: the range of the index of due work (`collections_due_by_queue_idx`) that contains a
 * collection: the name of its resource, with which its kind begins.
 * @param alias alias of `collections`, with its dot
 */
export function dueRange(alias = ''): string {
  return `split_part(${alias}kind, '-', 1)`;
}

/** Whether the items of the collection are requested one by one, and not by listing alone. */
export function isReadOneByOne(kind: CollectionKind): boolean {
  return RESOURCES[resourceOf(kind)].isReadOneByOne;
}

function kindUnknown(kind: string): never {
  throw new Error(`no resource has collections of the kind ${kind}`);
}
