import { QUEUE_NAMES, SYNC_QUEUES, queueFor, siblingQueue } from './queues.js';

test('a collection has one queue for full syncs and one for incremental ones, by family', () => {
  expect(queueFor('gmail', true)).toBe('gmail-full');
  expect(queueFor('gmail', false)).toBe('gmail-incremental');
  expect(queueFor('calendar-list', true)).toBe('calendar-full');
  expect(queueFor('calendar-list', false)).toBe('calendar-incremental');
  expect(queueFor('calendar-events', true)).toBe('calendar-full');
  expect(queueFor('calendar-events', false)).toBe('calendar-incremental');
  expect(queueFor('contacts-other', true)).toBe('contacts-full');
  expect(queueFor('contacts-groups', false)).toBe('contacts-incremental');
});

test('the sibling of a queue stays in its family', () => {
  for (const name of SYNC_QUEUES) {
    const family = name.split('-')[0];
    expect(siblingQueue(name, true)).toBe(`${family}-full`);
    expect(siblingQueue(name, false)).toBe(`${family}-incremental`);
  }
});

test('no queue name has a colon, which BullMQ refuses', () => {
  expect(QUEUE_NAMES.filter((name) => name.includes(':'))).toEqual([]);
  expect(new Set(QUEUE_NAMES).size).toBe(7);
});
