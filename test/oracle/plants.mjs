/**
 * Bugs that the oracle must find: each names an exact text of one source file and its replacement.
 * A text that does not occur in the source exactly once is refused, since a plant without effect
 * would prove nothing.
 */
const SYNC = 'packages/sync/src';
const STORE = 'packages/store/src';
const GOOGLE = 'packages/google/src';

export const PLANTS = [
  {
    name: 'cursor-before-rows',
    file: `${STORE}/commit-page.ts`,
    text: 'const fenced = fence(session, lease, ttlMs, commit);',
    bug: 'const fenced = await inTransaction(pool, (own) => fence(own, lease, ttlMs, commit));',
  },
  {
    name: 'next-page-ignored',
    file: `${GOOGLE}/apis/gmail/gmail.ts`,
    text: '({ ids }) => ids.map(({ id }) => id),\n  );',
    bug: '({ ids }) => ids.map(({ id }) => id),\n  ).then((page) => ({ ...page, nextPageToken: null }));',
  },
  {
    name: 'middle-page-position',
    file: `${SYNC}/resources/gmail/listing.ts`,
    text: 'cursor.listing.pageToken !== null ||',
    bug: '',
  },
  {
    name: 'sweep-after-broken-listing',
    file: `${SYNC}/resources/gmail/list-page.ts`,
    text: '(q.restarts ?? 0) < MAX_RESTARTS)\n        return null;',
    bug: '(q.restarts ?? 0) < MAX_RESTARTS)\n        return { ids: [], nextPageToken: null };',
  },
  {
    name: 'labels-removed-ignored',
    file: `${SYNC}/resources/gmail/history-meaning.ts`,
    text: 'of record.labelsRemoved ?? [])',
    bug: 'of [])',
  },
  {
    name: '410-swallowed',
    file: `${SYNC}/resources/sync-token/step.ts`,
    text: 'await source.read(context, { syncToken, pageToken, gone });',
    bug: "await source.read(context, { syncToken, pageToken, gone }).catch((error) => {\n    if (error.detail?.kind === 'sync-position-expired') return { delta: { kind: 'none' }, listedIds: [], gone: [], quarantined: [], nextPageToken: null, nextSyncToken: syncToken };\n    throw error;\n  });",
  },
  {
    name: 'history-404-swallowed',
    file: `${SYNC}/resources/gmail/step.ts`,
    text: 'pageToken: cursor.listing?.pageToken ?? null,\n  });',
    bug: "pageToken: cursor.listing?.pageToken ?? null }).catch((error) => {\n    if (error.detail?.kind === 'sync-position-expired') return { records: [], historyId: BigInt(cursor.after), nextPageToken: null };\n    throw error;\n  });",
  },
  {
    name: 'cursor-from-elsewhere',
    file: `${SYNC}/resources/gmail/step.ts`,
    text: 'const page = await readHistory(context, cursor);',
    bug: 'const page = { ...(await readHistory(context, cursor)), historyId: (await context.google.gmail.profile()).historyId };',
  },
  {
    name: 'dedupe-across-accounts',
    file: `${STORE}/full-sync-items.ts`,
    text: 'AND ordinal > $4 AND pending AND item_id <> ALL ($6::text[]) ORDER BY',
    bug: 'AND ordinal > $4 AND pending AND item_id <> ALL ($6::text[]) AND NOT EXISTS (SELECT 1 FROM syncline.gmail_messages m WHERE m.id = item_id) ORDER BY',
  },
  {
    name: 'cancelled-instance-dropped',
    file: `${SYNC}/resources/calendar/parse.ts`,
    text: "event.status === 'cancelled' && !event.recurringEventId",
    bug: "event.status === 'cancelled'",
  },
  {
    name: 'orphaned-exceptions',
    file: `${STORE}/mirrors/calendar/events.ts`,
    text: " OR (recurring_event_id = ANY($3::text[]) AND status = 'cancelled')",
    bug: '',
  },
  {
    name: 'epoch-not-checked',
    file: `${STORE}/commit-page.ts`,
    text: 'WHERE id = $1 AND lease_epoch = $2`',
    bug: 'WHERE id = $1 AND $2::bigint IS NOT NULL`',
  },
  {
    name: 'feed-outside-transaction',
    file: `${STORE}/commit-page.ts`,
    text: "if (all.length > 0) appendChanges(session, lease, all, commit.origin ?? 'live');",
    bug: "if (all.length > 0) { await session.query('COMMIT'); appendChanges(session, lease, all, commit.origin ?? 'live'); }",
  },
  {
    name: 'tombstone-by-absence',
    file: `${SYNC}/resources/sync-token/interpret.ts`,
    text: '...(page.quarantined.length > 0 ? { items: { quarantined: page.quarantined } } : {}),',
    bug: 'items: { sweepLimit: 1_000 },',
  },
  {
    name: 'not-found-believed',
    file: `${SYNC}/missing-items.ts`,
    text: 'return retry(1, Math.min(RETRY_DELAYS_MS[0], page.confirmAfterMs));',
    bug: "return { kind: 'gone' };",
  },
  {
    name: 'pinned-after-list',
    file: `${SYNC}/resources/gmail/full-sync.ts`,
    text: "step: 'fetch', from: cursor.from, listed, fetched: 0, listing }",
    bug: "step: 'fetch', from: String((await context.google.gmail.profile()).historyId), listed, fetched: 0, listing }",
  },
  {
    name: 'again-list-lost',
    file: `${SYNC}/resources/gmail/fetch.ts`,
    text: 'fetchLater: result.fetchLater.map((item, i)',
    bug: 'fetchLater: [].map((item, i)',
  },
  {
    name: 'reauth-ignores-epoch',
    file: `${STORE}/refusals.ts`,
    text: 'row.id === lease.collectionId && row.lease_epoch === String(lease.epoch)',
    bug: 'row.id === lease.collectionId',
  },
  {
    name: 'caught-up-at-now',
    file: `${STORE}/collections.ts`,
    text: 'THEN ${AS_OF} ELSE caught_up_at',
    bug: 'THEN now() ELSE caught_up_at',
  },
  {
    name: 'retry-not-charged',
    file: `${GOOGLE}/apis/gmail/batch-fetch.ts`,
    text: 'const sent = await request(session, {',
    bug: 'const free = { ...session, quota: { ...session.quota, charge: async ({ user, api, items }) => ({ granted: items, receipt: { user, api, slot: 0, units: 0 } }) } };\n    const sent = await request(ids.some((id) => fetch.errors.has(id)) ? free : session, {',
  },
  {
    name: 'identity-not-compared',
    file: `${SYNC}/identity/identity-outcome.ts`,
    text: 'return known.googleSub === sub ?',
    bug: 'return known.googleSub !== null ?',
  },
  {
    name: 'revoke-with-a-sibling',
    file: `${SYNC}/remove-account.ts`,
    text: "if (sharedWith.length > 0) return 'shared';",
    bug: '',
  },
  {
    name: 'item-failure-parks',
    file: `${SYNC}/item-failures.ts`,
    text: "if (!isWitnessed) return { kind: 'collection' };",
    bug: "if (isWitnessed || !isWitnessed) return { kind: 'collection' };",
  },
  {
    name: 'outage-quarantines',
    file: `${SYNC}/item-failures.ts`,
    text: "if (!isWitnessed) return { kind: 'collection' };",
    bug: '',
  },
  {
    name: 'refused-page-retried-whole',
    file: `${STORE}/commit-page.ts`,
    text: 'if (!isRowRefusal(error)) throw error;',
    bug: 'throw error;',
  },
  {
    name: 'exception-deleted-with-series',
    file: `${STORE}/mirrors/calendar/events.ts`,
    text: "(recurring_event_id = ANY($3::text[]) AND status = 'cancelled')",
    bug: 'recurring_event_id = ANY($3::text[])',
  },
  {
    name: 'sweep-without-evidence',
    file: `${SYNC}/evidence/decide.ts`,
    text: "if (missing === 0 || (isSmall && !isLarge && !mayHaveNameless)) return 'sweep';",
    bug: "return 'sweep';",
  },
  {
    name: 'self-naming-token-used',
    file: `${GOOGLE}/paging.ts`,
    text: "if (namesItself && (page !== '' || (before?.stalls ?? 0) + 1 >= STALLED_PAGES_LIMIT))\n    return 'page-names-itself';",
    bug: "if (namesItself)\n    return before ?? { token: '', page: '', age: 0, span: 1, repeats: 0, idle: 0, stalls: 0 };",
  },
  {
    name: 'declared-charset-believed',
    file: `${SYNC}/resources/gmail/charset.ts`,
    text: 'return isUtf8(bytes) ? utf8Text(bytes) : charset.decode(bytes);',
    bug: 'return charset.decode(bytes);',
  },
  {
    name: 'former-names-kept',
    file: `${SYNC}/resources/contacts/interpret.ts`,
    text: "return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];",
    bug: 'return [];',
  },
  {
    name: 'unanswered-is-gone',
    file: `${SYNC}/evidence/decide.ts`,
    text: 'if (gone === 0) return true;',
    bug: '',
  },
  {
    name: 'failing-item-lost',
    file: `${SYNC}/resources/gmail/fetch.ts`,
    text: 'failing: result.failing,',
    bug: 'failing: [],',
  },
];

/** @throws Error when the text does not occur in `source` exactly once */
export function plant({ name, file, text, bug }, source) {
  const times = source.split(text).length - 1;
  if (times !== 1)
    throw new Error(
      `planted bug ${name}: its text occurs ${times} times in ${file}; correct the plant`,
    );
  return source.replace(text, () => bug);
}
