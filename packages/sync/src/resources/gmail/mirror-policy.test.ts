import type { GmailHistory } from '@syncline/google';
import fc from 'fast-check';
import { meaningOfHistory } from './history-meaning.js';
import {
  type Excludable,
  MIRROR_EVERYTHING,
  type MirrorPolicy,
  completePolicy,
} from '../../mirror-policy.js';
import { admit, isExcluded, isKept, listingUnder } from './mirror-policy.js';

const excluding = (...exclude: Excludable[]): MirrorPolicy => completePolicy({ exclude });
const read = (policy: MirrorPolicy, records: GmailHistory[]): ReturnType<typeof admit> =>
  admit(policy, records, meaningOfHistory(records));
const ALL = { fromMs: 0 };
const added = (id: string, labelIds?: string[]): GmailHistory => ({
  id: '1',
  messagesAdded: [{ message: { id, ...(labelIds ? { labelIds } : {}) } }],
});
const gains = (id: string, ...labelIds: string[]): GmailHistory => ({
  id: '2',
  labelsAdded: [{ message: { id }, labelIds }],
});
const loses = (id: string, ...labelIds: string[]): GmailHistory => ({
  id: '3',
  labelsRemoved: [{ message: { id }, labelIds }],
});

test('without a policy everything is kept, and history means what it says', () => {
  const records = [added('m1', ['SPAM']), gains('m2', 'TRASH')];
  expect(read(MIRROR_EVERYTHING, records)).toEqual({
    toFetch: ['m1'],
    refetch: [],
    deleted: [],
    labelChanges: meaningOfHistory(records).labelChanges,
  });
  expect(isKept(MIRROR_EVERYTHING, 0, { id: 'm1', labelIds: ['SPAM', 'TRASH', 'DRAFT'] })).toBe(
    true,
  );
});

test.each([
  [
    'arrives outside: not fetched',
    [added('m', ['SPAM', 'UNREAD'])],
    { toFetch: [], deleted: [], labelChanges: [] },
  ],
  [
    'arrives without labels: fetched, and decided then',
    [added('m')],
    { toFetch: ['m'], deleted: [] },
  ],
  [
    'arrives outside and comes in',
    [added('m', ['SPAM']), loses('m', 'SPAM')],
    { toFetch: ['m'], deleted: [] },
  ],
  [
    'arrives outside twice over and comes in by half',
    [added('m', ['SPAM', 'TRASH']), loses('m', 'SPAM')],
    { toFetch: [], deleted: [] },
  ],
  [
    'leaves',
    [gains('m', 'TRASH'), loses('m', 'INBOX')],
    { toFetch: [], deleted: ['m'], labelChanges: [] },
  ],
  [
    'leaves and comes back within the page',
    [gains('m', 'SPAM'), loses('m', 'SPAM')],
    { toFetch: ['m'], deleted: [], labelChanges: [expect.objectContaining({ remove: ['SPAM'] })] },
  ],
  [
    'comes in and leaves again within the page',
    [loses('m', 'SPAM'), gains('m', 'SPAM')],
    { toFetch: [], deleted: ['m'] },
  ],
  [
    'moves from spam to the trash',
    [loses('m', 'SPAM'), gains('m', 'TRASH')],
    { toFetch: [], deleted: ['m'] },
  ],
  [
    'changes without a record, and leaves',
    [{ id: '1', messages: [{ id: 'm' }] }, gains('m', 'SPAM')],
    { refetch: [], deleted: ['m'] },
  ],
  [
    'only changes another label',
    [loses('m', 'UNREAD')],
    { toFetch: [], deleted: [], labelChanges: [expect.objectContaining({ remove: ['UNREAD'] })] },
  ],
])('%s', (_, records, expected) => {
  expect(read(excluding('spam', 'trash'), records)).toMatchObject(expected);
});

test('spam and trash together are left out by the parameter that Google documents, one of them by search', () => {
  expect(listingUnder(MIRROR_EVERYTHING, ALL)).toEqual({ spamAndTrash: true });
  expect(listingUnder(excluding('trash', 'spam'), ALL)).toEqual({ spamAndTrash: false });
  expect(listingUnder(excluding('spam', 'trash', 'drafts'), ALL)).toEqual({
    spamAndTrash: false,
    search: '-in:drafts',
  });
  expect(listingUnder(excluding('spam', 'drafts'), ALL)).toEqual({
    spamAndTrash: true,
    search: '-in:spam -in:drafts',
  });
});

/** One change to one of three messages; each step writes one record. */
const step = fc.record({
  id: fc.constantFrom('m1', 'm2', 'm3'),
  what: fc.constantFrom('gain', 'lose', 'arrive', 'delete', 'touch'),
  label: fc.constantFrom('SPAM', 'TRASH', 'DRAFT', 'A'),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;
type Labels = Map<string, Set<string>>;

/**
 * Returns the source after each step, and the records; embedded labels are those at the time of the
 * record.
 */
function play(steps: readonly Step[]): { source: Labels; records: GmailHistory[] } {
  const source: Labels = new Map([
    ['m1', new Set(['A'])],
    ['m2', new Set(['SPAM'])],
  ]);
  const records: GmailHistory[] = [];
  const ids = new Set(source.keys());
  for (const [at, { id, what, label }] of steps.entries()) {
    const labels = source.get(id);
    // Google never reuses an id.
    if (what === 'arrive' ? ids.has(id) : !labels) continue;
    ids.add(id);
    const next = new Set(labels ?? []);
    if (what === 'gain' || what === 'arrive') next.add(label);
    if (what === 'lose') next.delete(label);
    if (what === 'delete') source.delete(id);
    else source.set(id, next);
    const message = { id, labelIds: [...next] };
    const change = { message, labelIds: [label] };
    records.push({
      id: String(at + 1),
      ...{
        gain: { labelsAdded: [change] },
        lose: { labelsRemoved: [change] },
        arrive: { messagesAdded: [{ message }] },
        delete: { messagesDeleted: [{ message }] },
        touch: { messages: [message] },
      }[what],
    });
  }
  return { source, records };
}

test('however history is cut into pages, and whatever its records contain of labels, the rows are the messages whose final labels are kept', () => {
  const policies = fc
    .subarray<Excludable>(['spam', 'trash', 'drafts'])
    .map((exclude) => excluding(...exclude));
  const embedded = fc.constantFrom('of the record', 'of the answer', 'none');
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 25 }),
      policies,
      embedded,
      fc.array(fc.boolean(), { minLength: 25, maxLength: 25 }),
      (steps, policy, reported, cuts) => {
        const { source, records } = play(steps);
        const rows: Labels = new Map([
          ['m1', new Set(['A'])],
          ...(isExcluded(policy, ['SPAM']) ? [] : [['m2', new Set(['SPAM'])] as const]),
        ]);
        let page: GmailHistory[] = [];
        for (const [at, record] of records.entries()) {
          for (const entry of record.messagesAdded ?? []) {
            if (reported === 'none') delete entry.message!.labelIds;
            if (reported === 'of the answer')
              entry.message!.labelIds = [...(source.get(entry.message!.id!) ?? [])];
          }
          page.push(record);
          if (!cuts[at] && at < records.length - 1) continue;
          apply(policy, page, source, rows);
          page = [];
        }
        const kept = [...source].filter(([, labels]) => !isExcluded(policy, [...labels]));
        expect(plain(rows)).toEqual(plain(new Map(kept)));
      },
    ),
    { numRuns: 300 },
  );
});

/** Applies a page as the store and the fetch do; a fetched message has its final state. */
function apply(policy: MirrorPolicy, page: GmailHistory[], source: Labels, rows: Labels): void {
  const { toFetch, refetch, deleted, labelChanges } = read(policy, page);
  for (const id of deleted) rows.delete(id);
  for (const { id, add, remove } of labelChanges) {
    for (const label of remove) rows.get(id)?.delete(label);
    for (const label of add) rows.get(id)?.add(label);
  }
  for (const id of [...toFetch.filter((one) => !rows.has(one)), ...refetch]) {
    const labels = source.get(id);
    if (labels && isKept(policy, 0, { id, labelIds: [...labels] })) rows.set(id, new Set(labels));
    else rows.delete(id);
  }
}

function plain(labels: Labels): Record<string, string[]> {
  return Object.fromEntries(
    [...labels]
      .map(([id, set]) => [id, [...set].sort()] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}
