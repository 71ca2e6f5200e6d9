/**
 * The keys of a message's parts. Gmail numbers parts by their position in the tree, and this number
 * identifies a part; attachmentIds differ at every read. Of parts with the same number, the second
 * gets the suffix `#2`, the third `#3`, in document order over all parts of the message. A part
 * without a number, or with one that the database cannot store, has the empty number. So a key is
 * the same at every read.
 */
export interface KeyedPart {
  partId?: unknown;
  parts?: unknown;
}

/** A longer id is not a position in the tree. */
const PART_ID_BYTES = 1_000;

/**
 * Returns every part of the tree with its key, in document order. Not recursive, because an answer
 * may be nested to any depth.
 */
export function partKeys<Part extends KeyedPart>(root: Part): Map<Part, string> {
  const keys = new Map<Part, string>();
  const taken = new Set<string>();
  const repeats = new Map<string, number>();
  const open = [root];
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const key = freeKey(placeOf(part), taken, repeats);
    taken.add(key);
    keys.set(part, key);
    if (Array.isArray(part.parts)) open.push(...partsOf<Part>(part.parts).toReversed());
  }
  return keys;
}

function partsOf<Part>(parts: readonly unknown[]): Part[] {
  return parts.filter((part) => typeof part === 'object' && part !== null) as Part[];
}

function placeOf({ partId }: KeyedPart): string {
  return typeof partId === 'string' &&
    Buffer.byteLength(partId) <= PART_ID_BYTES &&
    !partId.includes('\0') &&
    partId.isWellFormed()
    ? partId
    : '';
}

/**
 * @param repeats how often each number has occurred, so that thousands of parts with one number
 * need no search each
 */
function freeKey(place: string, taken: ReadonlySet<string>, repeats: Map<string, number>): string {
  if (!taken.has(place)) return place;
  for (let nth = (repeats.get(place) ?? 1) + 1; ; nth++) {
    repeats.set(place, nth);
    if (!taken.has(`${place}#${nth}`)) return `${place}#${nth}`;
  }
}
