import { startClock } from './clock.js';

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, 5);
  });

test('what is scheduled on a standing clock waits for it to be moved, and then comes in order', async () => {
  const clock = startClock(1_000);
  const rang: string[] = [];
  clock.schedule(2_000, () => rang.push('second'));
  clock.schedule(1_000, () => rang.push('first'));
  clock.schedule(0, () => rang.push('now'));
  const cancel = clock.schedule(10, () => rang.push('never'));
  cancel();
  expect(rang).toEqual([]);
  await turn();
  expect(rang).toEqual(['now']);
  clock.advance(2_000);
  await turn();
  expect([rang, clock.nowMs()]).toEqual([['now', 'first', 'second'], 3_000]);
});

test('a running clock rings by itself, and earlier when it is moved', async () => {
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

test('a stopped clock rings no more, and no clock goes back', async () => {
  const clock = startClock();
  let rang = false;
  clock.schedule(1, () => {
    rang = true;
  });
  clock.stop();
  await turn();
  expect(rang).toBe(false);
  expect(() => {
    clock.advance(-1);
  }).toThrow('only moves forward');
});
