import type { GmailMessage, GmailHistory, ListQuery } from '@syncline/google';
import type { LabelChange } from '@syncline/store';
import { excludedLabels, type MirrorPolicy } from '../../mirror-policy.js';
import type { HistoryMeaning } from './interpret.js';

/*
 * What of a mailbox is mirrored. Pure, and the same for full sync, resync, history, verify and
 * audit: if two of them differed, they would call each other's work drift. SPEC.md states the rules
 * by number.
 */

/** Whether a message with these labels has no row. */
export function isExcluded(policy: MirrorPolicy, labelIds: readonly string[]): boolean {
  return excludedLabels(policy).some((label) => labelIds.includes(label));
}

/**
 * Whether a message, as Google has it now, has a row. What a list or a record said of it may be older, so every fetched message is asked this.
 * @param fromMs the window's moment, 0 being the mailbox's beginning
 */
export function isKept(policy: MirrorPolicy, fromMs: number, message: GmailMessage): boolean {
  const isOlder = fromMs > 0 && Number(message.internalDate ?? fromMs) < fromMs;
  return !isOlder && !isExcluded(policy, message.labelIds ?? []);
}

/** A part of a mailbox, by internalDate; 0 is its beginning. */
export interface Slice {
  fromMs: number;
  beforeMs?: number;
}

/** The terms of Gmail's search for a slice. They take whole seconds, and whether they include theirs is not documented: a second is added at either end. */
export function termsOf({ fromMs, beforeMs }: Slice): string[] {
  return [
    ...(fromMs > 0 ? [`after:${Math.floor(fromMs / 1_000) - 1}`] : []),
    ...(beforeMs === undefined ? [] : [`before:${Math.ceil(beforeMs / 1_000) + 1}`]),
  ];
}

/**
 * How to list what is kept, and little else. What a list says is a request and no judgement: a
 * message may have moved since, and Gmail's search may lag behind, so `isKept` decides, and audits
 * tell what is excluded by its labels.
 */
export function listingUnder({ exclude }: MirrorPolicy, slice: Slice): ListQuery {
  const hasBoth = exclude.includes('spam') && exclude.includes('trash');
  // The parameter is the documented way, but it knows spam and trash only together.
  const terms = [
    ...termsOf(slice),
    ...exclude.filter((name) => !hasBoth || name === 'drafts').map((name) => `-in:${name}`),
  ];
  return { spamAndTrash: !hasBoth, ...searchFor(terms) };
}

export function searchFor(terms: readonly string[]): Pick<ListQuery, 'search'> {
  return terms.length > 0 ? { search: terms.join(' ') } : {};
}

/** What a page of history asks of a mirror under a policy. */
export interface Admission {
  /** To be fetched unless they are stored. */
  toFetch: string[];
  /** To be fetched although they are stored. */
  refetch: string[];
  /** Rows to be taken away: deleted at the source, or moved out of what is mirrored. */
  deleted: string[];
  labelChanges: LabelChange[];
}

/**
 * The page's meaning under the policy. The last word of the page on each label counts, so a message that comes and goes within it stays
 * what it was. One that gets an excluded label leaves; one that loses one may come in: whether it does is known when it is fetched,
 * since history does not tell what other labels it has. A message that arrives where nothing is kept is not fetched at all.
 */
export function admit(
  policy: MirrorPolicy,
  records: readonly GmailHistory[],
  meaning: HistoryMeaning,
): Admission {
  const { added, refetch, deleted, labelChanges } = meaning;
  if (policy.exclude.length === 0) return { toFetch: added, refetch, deleted, labelChanges };
  const leaving = new Set(
    labelChanges.filter((change) => isExcluded(policy, change.add)).map(({ id }) => id),
  );
  const entering = labelChanges
    .filter(({ id, remove }) => !leaving.has(id) && isExcluded(policy, remove))
    .map(({ id }) => id);
  const outside = arrivedOutside(policy, records, labelChanges);
  return {
    toFetch: [...new Set([...added, ...entering])].filter(
      (id) => !leaving.has(id) && !outside.has(id),
    ),
    refetch: refetch.filter((id) => !leaving.has(id)),
    deleted: [...deleted, ...leaving],
    labelChanges: labelChanges.filter(({ id }) => !leaving.has(id)),
  };
}

/**
 * Messages that were added with an excluded label and have not lost it by the end of the page. A record names the labels of the moment
 * or those of the answer; if they are gone by then or go later, a record that says so follows in either case.
 */
function arrivedOutside(
  policy: MirrorPolicy,
  records: readonly GmailHistory[],
  labelChanges: readonly LabelChange[],
): Set<string> {
  const lost = new Map(labelChanges.map(({ id, remove }) => [id, remove]));
  const arrivals = records.flatMap((record) =>
    (record.messagesAdded ?? []).flatMap(({ message }) =>
      message?.id ? [{ id: message.id, labelIds: message.labelIds ?? [] }] : [],
    ),
  );
  return new Set(
    arrivals
      .filter(({ id, labelIds }) =>
        isExcluded(
          policy,
          labelIds.filter((label) => !lost.get(id)?.includes(label)),
        ),
      )
      .map(({ id }) => id),
  );
}
