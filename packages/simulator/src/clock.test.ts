import { startClock } from './clock.js';

const macrotask = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 5);
  });

test('timers of a stopped clock fire in order when it is advanced', async () => {
  const clock = startClock(1_000);
  const fired: string[] = [];
  clock.schedule(2_000, () => fired.push('second'));
  clock.schedule(1_000, () => fired.push('first'));
  clock.schedule(0, () => fired.push('now'));
  const cancel = clock.schedule(10, () => fired.push('never'));
  cancel();
  expect(fired).toEqual([]);
  await macrotask();
  expect(fired).toEqual(['now']);
  clock.advance(2_000);
  await macrotask();
  expect([fired, clock.nowMs()]).toEqual([['now', 'first', 'second'], 3_000]);
});

test('timers of a running clock fire by themselves, and earlier when it is advanced', async () => {
  const clock = startClock();
  await new Promise<void>((resolve) => {
    clock.schedule(10, resolve);
  });
  const began = performance.now();
  const moved = new Promise<void>((resolve) => {
    clock.schedule(3_600_000, resolve);
  });
  clock.advance(3_600_000);
  await moved;
  expect(performance.now() - began).toBeLessThan(1_000);
});

test('a closed clock fires no timers, and no clock goes back', async () => {
  const clock = startClock();
  let fired = false;
  clock.schedule(1, () => {
    fired = true;
  });
  clock.stop();
  await macrotask();
  expect(fired).toBe(false);
  expect(() => {
    clock.advance(-1);
  }).toThrow('only moves forward');
});
