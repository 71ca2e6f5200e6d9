/**
 * The faults, drawn from the seed: kills, stops, restarts, flushes, cuts, half-open connections,
 * latency, and the simulated Google's own faults. Each ends within seconds, and the same kind may
 * occur again at once.
 */

/**
 * A small seeded generator (mulberry32): the seed determines the order of faults, the machine their
 * timing.
 */
export function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The menu: weight, name, function. A function resolves when its fault has ended. */
export function faultMenu({ fleet, proxies, redis, pool, google, recoveries, random }) {
  const pick = (items) => items[Math.floor(random() * items.length)];
  const between = (low, high) => low + random() * (high - low);
  const killWorker = async () => {
    const name = pick(fleet.names('worker'));
    recoveries.note(`${fleet.pid(name)}-`);
    fleet.signal(name, 'SIGKILL');
  };
  return [
    [8, 'kill -9 of a worker', killWorker],
    [
      2,
      'kill -9 of two workers',
      async () => {
        await killWorker();
        await killWorker();
      },
    ],
    [
      2,
      'kill -9 of a scheduler',
      async () => fleet.signal(pick(fleet.names('scheduler')), 'SIGKILL'),
    ],
    [2, 'SIGTERM to a worker', async () => fleet.signal(pick(fleet.names('worker')), 'SIGTERM')],
    [
      3,
      'a worker stopped and continued',
      async () => {
        const name = pick(fleet.names('worker'));
        const pid = fleet.pid(name);
        fleet.signal(name, 'SIGSTOP');
        await sleep(between(1_000, 12_000));
        if (fleet.pid(name) === pid) fleet.signal(name, 'SIGCONT');
      },
    ],
    [2, 'FLUSHALL', () => redis.flush()],
    [1, 'Redis killed and started again', async () => redis.restart(between(200, 2_000))],
    [
      2,
      'every session of Postgres ended',
      () =>
        pool.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> 'chaos'",
        ),
    ],
    [3, 'connections cut', async () => pick(Object.values(proxies)).cut()],
    [
      2,
      'half-open connections',
      async () => {
        const proxy = pick(Object.values(proxies));
        proxy.stall();
        await sleep(between(500, 4_000));
        proxy.cut();
        proxy.flow();
      },
    ],
    [
      2,
      'latency',
      async () => {
        const proxy = pick(Object.values(proxies));
        proxy.slow(between(20, 400));
        await sleep(between(500, 4_000));
        proxy.slow(0);
      },
    ],
    [2, 'Google answers 500', () => google.fault({ kind: '500', count: 20, probability: 0.5 })],
    [
      1,
      'Google answers HTML',
      () => google.fault({ kind: '503-html', count: 10, probability: 0.5 }),
    ],
    [
      2,
      'Google resets connections',
      () => google.fault({ kind: 'reset', count: 10, probability: 0.5 }),
    ],
    [
      2,
      'Google refuses parts',
      () => google.fault({ kind: '429-concurrent', count: 20, probability: 0.3 }),
    ],
    [
      1,
      'history expires',
      () => google.fault({ kind: 'expire-history', email: pick(google.emails) }),
    ],
    [
      1,
      'sync tokens expire',
      () => google.fault({ kind: 'invalid-sync-token', email: pick(google.emails) }),
    ],
  ];
}

export function draw(menu, random) {
  let at = random() * menu.reduce((sum, [weight]) => sum + weight, 0);
  for (const fault of menu) {
    at -= fault[0];
    if (at <= 0) return fault;
  }
  return menu[0];
}
