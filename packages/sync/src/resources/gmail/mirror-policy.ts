import type { GmailMessage, GmailHistory, ListQuery } from '@syncline/google';
import { excludedLabels, type MirrorPolicy } from '../../mirror-policy.js';
import type { HistoryMeaning, LabelChange } from './history-meaning.js';

/*
 * What of a mailbox is mirrored. Pure. Full sync, resync, history, verification and audit use the
 * same rules: if two of them differed, each would report the other's rows as drift. SPEC.md states
 * the rules by number.
 */

/** Whether a message with these labels gets no row. */
export function isExcluded(policy: MirrorPolicy, labelIds: readonly string[]): boolean {
  return excludedLabels(policy).some((label) => labelIds.includes(label));
}

/**
 * Whether a message in its current state at Google gets a row. What a list or a record said about
 * it may be outdated, so every fetched message is checked here.
 * @param fromMs the start of the window; 0 is the mailbox's beginning
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

/**
 * Returns the terms of Gmail's search for a slice. They take whole seconds, and whether the bounds
 * are inclusive is not documented, so a second is added at either end.
 */
export function termsOf({ fromMs, beforeMs }: Slice): string[] {
  return [
    ...(fromMs > 0 ? [`after:${Math.floor(fromMs / 1_000) - 1}`] : []),
    ...(beforeMs === undefined ? [] : [`before:${Math.ceil(beforeMs / 1_000) + 1}`]),
  ];
}

/**
 * Returns a query for what is mirrored, and little else. The list only selects what to request: a
 * message may have moved since, and Gmail's search may lag behind. `isKept` decides, and audits
 * determine exclusion by labels.
 */
export function listingUnder({ exclude }: MirrorPolicy, slice: Slice): ListQuery {
  const hasBoth = exclude.includes('spam') && exclude.includes('trash');
  // The parameter is the documented way, but it covers spam and trash only together.
  const terms = [
    ...termsOf(slice),
    ...exclude.filter((name) => !hasBoth || name === 'drafts').map((name) => `-in:${name}`),
  ];
  return { spamAndTrash: !hasBoth, ...searchFor(terms) };
}

export function searchFor(terms: readonly string[]): Pick<ListQuery, 'search'> {
  return terms.length > 0 ? { search: terms.join(' ') } : {};
}

/** What a page of history requires under a policy. */
export interface Admission {
  /** To be fetched unless they are stored. */
  toFetch: string[];
  /** To be fetched although they are stored. */
  refetch: string[];
  /** Rows to be deleted: deleted at the source, or moved out of what is mirrored. */
  deleted: string[];
  labelChanges: LabelChange[];
}

/**
 * Returns the page's meaning under the policy. The page's last change of each label counts, so a
 * message that enters and leaves within it is unchanged. A message that gets an excluded label is
 * deleted; one that loses an excluded label may have to be stored, which is decided when it is
 * fetched, since history does not name its other labels. A message that arrives with an excluded
 * label is not fetched.
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
 * Returns the messages that were added with an excluded label and have not lost it by the end of
 * the page. A record names the labels at the time of the record or of the response; if they are
 * already gone or go later, a further record follows in either case.
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
