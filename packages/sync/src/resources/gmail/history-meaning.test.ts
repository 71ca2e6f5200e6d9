import fc from 'fast-check';
import { meaningOfHistory } from './history-meaning.js';

const message = (
  id: string,
  labelIds: string[] = [],
): { id: string; threadId: string; labelIds: string[] } => ({ id, threadId: `t${id}`, labelIds });

test('label changes come from the record itself; the last word on each label counts', () => {
  const meaning = meaningOfHistory([
    { id: '9', labelsAdded: [{ message: message('m1'), labelIds: ['STARRED', 'A'] }] },
    { id: '10', labelsRemoved: [{ message: message('m1'), labelIds: ['UNREAD', 'A'] }] },
  ]);
  expect(meaning).toEqual({
    added: [],
    refetch: [],
    deleted: [],
    labelIds: ['STARRED', 'A'],
    labelChanges: [{ id: 'm1', add: ['STARRED'], remove: ['A', 'UNREAD'], historyId: 10n }],
  });
});

test('a message that is added and deleted in one window is deleted, and nothing else is done with it', () => {
  const meaning = meaningOfHistory([
    { id: '1', messagesAdded: [{ message: message('m1', ['INBOX']) }] },
    { id: '2', labelsAdded: [{ message: message('m1'), labelIds: ['A'] }] },
    { id: '3', messagesDeleted: [{ message: message('m1') }] },
  ]);
  expect(meaning).toMatchObject({ added: [], labelChanges: [], deleted: ['m1'] });
});

test('trashing is a label change, not a deletion', () => {
  const meaning = meaningOfHistory([
    {
      id: '4',
      labelsAdded: [{ message: message('m1'), labelIds: ['TRASH'] }],
      labelsRemoved: [{ message: message('m1'), labelIds: ['INBOX'] }],
    },
  ]);
  expect(meaning).toMatchObject({
    deleted: [],
    labelChanges: [{ id: 'm1', add: ['TRASH'], remove: ['INBOX'] }],
  });
});

test('a record of an untyped change has its messages read again', () => {
  expect(meaningOfHistory([{ id: '5', messages: [message('m1'), message('m2')] }]).refetch).toEqual(
    ['m1', 'm2'],
  );
});

test('history ids are numbers of 64 bits, not text and not doubles', () => {
  const meaning = meaningOfHistory([
    { id: '9007199254740993', labelsAdded: [{ message: message('m1'), labelIds: ['A'] }] },
  ]);
  expect(meaning.labelChanges[0]?.historyId).toBe(9007199254740993n);
});

test('reading a window as one page or as two gives the same labels', () => {
  const change = fc.record({
    id: fc.constantFrom('m1', 'm2'),
    label: fc.constantFrom('A', 'B', 'C'),
    add: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 20 }), fc.nat(20), (changes, cut) => {
      const records = changes.map((c, i) => ({
        id: String(i + 1),
        [c.add ? 'labelsAdded' : 'labelsRemoved']: [
          { message: message(c.id), labelIds: [c.label] },
        ],
      }));
      const apply = (
        state: Map<string, Set<string>>,
        page: typeof records,
      ): Map<string, Set<string>> => {
        for (const c of meaningOfHistory(page).labelChanges) {
          const labels = state.get(c.id) ?? new Set<string>();
          for (const label of c.add) labels.add(label);
          for (const label of c.remove) labels.delete(label);
          state.set(c.id, labels);
        }
        return state;
      };
      const whole = apply(new Map([['m1', new Set(['A'])]]), records);
      const halves = apply(
        apply(new Map([['m1', new Set(['A'])]]), records.slice(0, cut)),
        records.slice(cut),
      );
      expect(halves).toEqual(whole);
    }),
  );
});
