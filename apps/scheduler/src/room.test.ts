import { roomIn } from './room.js';

test('a queue without workers holds few jobs, and the more jobs run the more may wait', () => {
  expect(roomIn('gmail-full', { waiting: 0, active: 0 })).toBe(8);
  expect(roomIn('gmail-full', { waiting: 30, active: 40 })).toBe(50);
  expect(roomIn('calendar-incremental', { waiting: 0, active: 0 })).toBe(200);
  expect(roomIn('gmail-incremental', { waiting: 100, active: 50 })).toBe(900);
});

test('a queue never holds more than is cheap to lose, and a full one takes nothing', () => {
  expect(roomIn('gmail-incremental', { waiting: 0, active: 100_000 })).toBe(2_000);
  expect(roomIn('gmail-incremental', { waiting: 2_500, active: 100_000 })).toBe(0);
  expect(roomIn('calendar-full', { waiting: 9, active: 1 })).toBe(0);
});
