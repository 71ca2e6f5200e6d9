import type { FeedBatch } from './feed-position.js';
import { nextStep } from './pg.js';

const batch = (epoch: number, seqs: number[], seq = seqs.at(-1) ?? 0): FeedBatch =>
  ({ epoch, seq, events: seqs.map((one) => ({ epoch, seq: one })) }) as FeedBatch;

test.each<[string, FeedBatch, object]>([
  [
    'the next events are applied',
    batch(1, [11, 12]),
    { kind: 'apply', events: batch(1, [11, 12]).events },
  ],
  [
    'known events are left out',
    batch(1, [9, 10, 11]),
    { kind: 'apply', events: batch(1, [11]).events },
  ],
  ['a batch that comes again is known', batch(1, [9, 10]), { kind: 'known' }],
  ['events before the batch are missing', batch(1, [12]), { kind: 'missing' }],
  [
    'an end beyond the checkpoint says that events are missing',
    batch(1, [], 15),
    { kind: 'missing' },
  ],
  ['a batch of another epoch is not applied', batch(2, [11]), { kind: 'other-epoch' }],
])('%s', (_what, given, step) => {
  expect(nextStep({ epoch: 1, seq: 10 }, given)).toEqual(step);
});

test('without a checkpoint an epoch that did not begin at 1 is read from its beginning', () => {
  expect(nextStep({ epoch: 0, seq: 0 }, batch(7, [41, 42]))).toEqual({ kind: 'missing' });
});
