import { advance, type FeedBatch } from './feed-position.js';

const batch = (epoch: number, seqs: number[], seq = seqs.at(-1) ?? 0): FeedBatch => ({
  epoch,
  seq,
  events: seqs.map((one) => ({
    epoch,
    seq: one,
    entity: 'message',
    id: `m${one}`,
    calendarId: null,
    op: 'updated',
    origin: 'live',
    at: '2026-11-30T12:00:00.000Z',
  })),
});
const seqsOf = (from: { seq: number; epoch: number | null }, given: FeedBatch): number[] =>
  advance(from, given).batch.events.map(({ seq }) => seq);

test('events that were read before are left out', () => {
  expect(seqsOf({ seq: 4, epoch: 1 }, batch(1, [3, 4, 5, 6]))).toEqual([5, 6]);
  expect(advance({ seq: 4, epoch: 1 }, batch(1, [3, 4])).reached).toEqual({ seq: 4, epoch: 1 });
});

test('a reader that begins at 0 takes the first event of the epoch, whatever its number', () => {
  const { reached } = advance({ seq: 0, epoch: null }, batch(9, [41, 42]));
  expect(reached).toEqual({ seq: 42, epoch: 9 });
  expect(advance({ seq: 0, epoch: null }, batch(9, [], 40)).reached).toEqual({ seq: 40, epoch: 9 });
});

test.each([
  ['a missing event', batch(1, [6])],
  ['a gap between two events', batch(1, [5, 7])],
  ['another epoch', batch(2, [5])],
])('%s is refused', (_what, given) => {
  expect(() => advance({ seq: 4, epoch: 1 }, given)).toThrow(/gap|epoch/);
});
