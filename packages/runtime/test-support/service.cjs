'use strict';
/** A process for tests: `node service.cjs BEHAVIOUR`. Prints one word per line for each event. */
const { OperatorError, runProcess } = require('../dist/index.js');

const say = (word) => process.stdout.write(`${word}\n`);
const forever = new Promise(() => {});

const BEHAVIOURS = {
  drains: async () => ({ drain: async () => say('drained') }),
  'drains for ever': async () => ({ drain: () => forever }),
  'fails to drain': async () => ({
    drain: async () => {
      throw new Error('could not drain');
    },
  }),
  'ends by itself': async () => ({
    drain: async () => say('drained'),
    finished: Promise.resolve(3),
  }),
  'cannot start': async () => {
    throw new OperatorError('The cable is unplugged: plug it in.');
  },
  'has a bug': async () => {
    throw new TypeError('x is not a function');
  },
  'rejects unseen': async () => {
    setTimeout(() => void Promise.reject(new Error('nobody looked')), 1);
    return { drain: async () => {} };
  },
  'starts slowly': async (rt) => {
    say('starting');
    await rt.clock.sleep(60_000, rt.signal);
    return { drain: async () => {} };
  },
};

const behaviour = BEHAVIOURS[process.argv[2]];
const drainDeadlineMs = process.env.DRAIN_DEADLINE_MS
  ? Number(process.env.DRAIN_DEADLINE_MS)
  : undefined;
runProcess('probe', behaviour, { stdout: 'stderr', drainDeadlineMs, servesMetrics: true });
