import { QUEUE_NAMES, type QueueName } from '@syncline/fleet';
import type { DueCollection } from '@syncline/store';
import { WAITING_LIMIT, admit, allFull } from './admit.js';

const waitingEverywhere = (jobs: number): Record<QueueName, number> => Object.fromEntries(QUEUE_NAMES.map((name) => [name, jobs])) as Record<QueueName, number>;
const due = (id: string, rest: Partial<DueCollection> = {}): DueCollection => ({ id, kind: 'gmail', phase: 'follow', wantedFull: false, tenant: 't', ...rest });

test('a collection goes to the queue of its kind and phase, and a wish for everything makes it full', () => {
  const collections = [
    due('new', { phase: 'new' }),
    due('walks', { phase: 'backfill' }),
    due('follows'),
    due('wished', { wantedFull: true }),
    due('list', { kind: 'calendar-list' }),
    due('events', { kind: 'calendar-events', phase: 'backfill' }),
  ];
  expect(admit(collections, waitingEverywhere(0))).toEqual([
    { collectionId: 'new', queue: 'gmail-full' },
    { collectionId: 'walks', queue: 'gmail-full' },
    { collectionId: 'follows', queue: 'gmail-incremental' },
    { collectionId: 'wished', queue: 'gmail-full' },
    { collectionId: 'list', queue: 'calendar-incremental' },
    { collectionId: 'events', queue: 'calendar-full' },
  ]);
});

test('a full queue takes no more, and keeps nobody else from being served', () => {
  const waiting = { ...waitingEverywhere(0), 'gmail-full': WAITING_LIMIT - 1 };
  const collections = [due('a', { phase: 'backfill' }), due('b', { phase: 'backfill' }), due('c')];
  expect(admit(collections, waiting).map((job) => job.collectionId)).toEqual(['a', 'c']);
});

test('claiming stops only when no queue has room', () => {
  expect(allFull(waitingEverywhere(WAITING_LIMIT))).toBe(true);
  expect(allFull({ ...waitingEverywhere(WAITING_LIMIT), 'gmail-incremental': 0 })).toBe(false);
});
