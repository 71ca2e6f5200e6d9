import {
  decideLabels,
  MESSAGES_OF_A_LABEL,
  MESSAGES_READ_AGAIN,
  needsEvidence,
  unlistedLabels,
  type LabelLoss,
} from './decide-labels.js';

const loss = (fields: Partial<LabelLoss>): LabelLoss => ({
  labelId: 'L',
  rows: 10,
  isListed: true,
  sample: ['a', 'b'],
  ...fields,
});
const message = (
  id: string,
  ...labelIds: string[]
): object & { id: string; labelIds: string[] } => ({
  id,
  labelIds,
});

test('messages are asked for when more than five rows would lose a label, or when no list was read for it', () => {
  expect(needsEvidence(loss({ rows: 5 }))).toBe(false);
  expect(needsEvidence(loss({ rows: 6 }))).toBe(true);
  expect(needsEvidence(loss({ rows: 1, isListed: false }))).toBe(true);
});

test("a label's list is wrong when a message that it lacks still has the label", () => {
  const there = [message('a'), message('b', 'L')];
  expect(decideLabels([loss({})], [], there, [])).toEqual({ deleted: [], wrong: ['L'] });
  expect(decideLabels([loss({})], [], [message('a'), message('b')], [])).toEqual({
    deleted: [],
    wrong: [],
  });
});

test('an unlisted label stays unless no message that Google has carries it', () => {
  const unlisted = loss({ isListed: false });
  expect(decideLabels([unlisted], [], [message('a', 'L')], [])).toEqual({ deleted: [], wrong: [] });
  expect(decideLabels([unlisted], [], [], [])).toEqual({ deleted: [], wrong: [] });
  expect(decideLabels([unlisted], [], [message('a')], [])).toEqual({ deleted: ['L'], wrong: [] });
  const few = loss({ isListed: false, rows: 3 });
  expect(decideLabels([few], ['L'], [], [])).toEqual({ deleted: ['L'], wrong: [] });
});

test('a label stays on every message while none of its sampled messages could be asked for', () => {
  const unlisted = loss({ isListed: false });
  expect(decideLabels([unlisted], ['L'], [], ['a'])).toEqual({ deleted: [], wrong: [] });
  expect(decideLabels([loss({})], [], [], ['a', 'b'])).toEqual({ deleted: [], wrong: ['L'] });
  // One answer suffices.
  expect(decideLabels([unlisted], ['L'], [message('a')], ['b'])).toEqual({
    deleted: ['L'],
    wrong: [],
  });
  const few = loss({ rows: 3, sample: [] });
  expect(decideLabels([few], [], [], [])).toEqual({ deleted: [], wrong: [] });
});

test('every message of an unlisted label is read again, those of rare labels first, up to a limit', () => {
  const rowsOf = (labelId: string, rows: number): LabelLoss => {
    const ids = Array.from({ length: Math.min(rows, MESSAGES_READ_AGAIN) }, (_, i) => i);
    return loss({ labelId, rows, isListed: false, sample: ids.map((i) => `${labelId}${i}`) });
  };
  const listed = loss({ labelId: 'listed', rows: 3 });
  const common = rowsOf('common', MESSAGES_READ_AGAIN);
  const { readAgain, undecided } = unlistedLabels([common, rowsOf('rare', 2), listed]);
  expect(readAgain).toEqual(['rare0', 'rare1']);
  expect(undecided).toEqual([
    listed,
    { ...common, sample: common.sample.slice(0, MESSAGES_OF_A_LABEL) },
  ]);
  expect(unlistedLabels([common])).toEqual({ readAgain: common.sample, undecided: [] });
  const tooMany = rowsOf('more', MESSAGES_READ_AGAIN + 1);
  expect(unlistedLabels([tooMany]).readAgain).toEqual([]);
  // A message that carries two such labels is read once.
  const twice = [rowsOf('x', 400), { ...rowsOf('x', 400), labelId: 'y' }];
  expect(unlistedLabels(twice).readAgain).toHaveLength(400);
});
