import type { LabelLoss } from '@syncline/store';
import { judgeLabels, needsEvidence } from './labels.js';

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
  expect(judgeLabels([loss({})], [], there, [])).toEqual({ deleted: [], wrong: ['L'] });
  expect(judgeLabels([loss({})], [], [message('a'), message('b')], [])).toEqual({
    deleted: [],
    wrong: [],
  });
});

test('an unlisted label stays unless no message that Google has carries it', () => {
  const unlisted = loss({ isListed: false });
  expect(judgeLabels([unlisted], [], [message('a', 'L')], [])).toEqual({ deleted: [], wrong: [] });
  expect(judgeLabels([unlisted], [], [], [])).toEqual({ deleted: [], wrong: [] });
  expect(judgeLabels([unlisted], [], [message('a')], [])).toEqual({ deleted: ['L'], wrong: [] });
  const few = loss({ isListed: false, rows: 3 });
  expect(judgeLabels([few], ['L'], [], [])).toEqual({ deleted: ['L'], wrong: [] });
});

test('a label stays on every message while none of its sampled messages could be asked for', () => {
  const unlisted = loss({ isListed: false });
  expect(judgeLabels([unlisted], ['L'], [], ['a'])).toEqual({ deleted: [], wrong: [] });
  expect(judgeLabels([loss({})], [], [], ['a', 'b'])).toEqual({ deleted: [], wrong: ['L'] });
  // One answer is enough.
  expect(judgeLabels([unlisted], ['L'], [message('a')], ['b'])).toEqual({
    deleted: ['L'],
    wrong: [],
  });
  const few = loss({ rows: 3, sample: [] });
  expect(judgeLabels([few], [], [], [])).toEqual({ deleted: [], wrong: [] });
});
