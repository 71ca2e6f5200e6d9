import { QUEUE_NAMES, type Fleet } from '@syncline/fleet';
import { type Clock, createRuntime } from '@syncline/runtime';
import { metricsPage } from './metrics-page.js';

const WAITING = 'syncline_queue_jobs{queue="gmail-full",state="waiting"} 7';

test('Redis is asked once in five seconds, however many ask for metrics', async () => {
  const world = worldAt();
  await Promise.all([world.page.text(), world.page.text(), world.page.text()]);
  world.atMs = 4_999;
  expect(await world.page.text()).toContain(WAITING);
  expect(world.asked).toBe(1);
  world.atMs = 5_000;
  expect(await world.page.text()).toContain('syncline_oldest_job_age_seconds{queue="gmail-full"} 1.5');
  expect(world.asked).toBe(2);
  expect(await world.page.text()).toContain('syncline_accounts{state="active"} 4');
});

test('while Redis is away the queues are absent, not old, and the rest is told', async () => {
  const world = worldAt();
  expect(await world.page.text()).toContain(WAITING);
  world.away = true;
  world.atMs = 5_000;
  const text = await world.page.text();
  expect(text).not.toContain(WAITING);
  expect(text).toContain('# TYPE syncline_jobs_total counter');
});

interface World {
  page: ReturnType<typeof metricsPage>;
  atMs: number;
  asked: number;
  away: boolean;
}

function worldAt(): World {
  const world: World = { atMs: 0, asked: 0, away: false, page: undefined as unknown as World['page'] };
  const clock: Clock = { now: () => new Date(world.atMs), nowMs: () => world.atMs, sleep: async () => undefined };
  const fleet: Pick<Fleet, 'counts' | 'waitingAgesMs'> = {
    counts: async () => {
      world.asked += 1;
      if (world.away) throw new Error('Connection is closed.');
      return everyQueue({ waiting: 7 });
    },
    waitingAgesMs: async () => everyQueue(1_500),
  };
  world.page = metricsPage(createRuntime({ service: 'test', logLevel: 'silent', clock }), { fleet, accounts: { countByState: async () => ({ active: 4 }) } });
  return world;
}

function everyQueue<T>(value: T): Record<(typeof QUEUE_NAMES)[number], T> {
  return Object.fromEntries(QUEUE_NAMES.map((name) => [name, value])) as Record<(typeof QUEUE_NAMES)[number], T>;
}
