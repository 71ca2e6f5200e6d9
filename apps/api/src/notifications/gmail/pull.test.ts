import type { Pulled, Subscription } from '@syncline/google/push';
import { GoogleError } from '@syncline/google';
import { type Clock, createRuntime } from '@syncline/runtime';
import type { NotificationOutcome } from '../notifier.js';
import { runPull } from './pull.js';

/** Pulls the messages of `batches`, one batch after the other, and ends with the last. */
async function pull(
  batches: (Pulled[] | GoogleError)[],
  notify: (addresses: readonly string[]) => NotificationOutcome[],
): Promise<{ acknowledged: string[]; slept: number[]; logged: string[] }> {
  const over = new AbortController();
  const [acknowledged, slept, logged]: [string[], number[], string[]] = [[], [], []];
  const clock: Clock = {
    now: () => new Date(0),
    nowMs: () => slept.reduce((sum, ms) => sum + ms, 0),
    sleep: async (ms) => void slept.push(ms),
  };
  const rt = createRuntime({
    service: 'test',
    logLevel: 'silent',
    clock,
    random: { next: () => 0, uuid: () => '' },
    signal: over.signal,
  });
  rt.log.warn = (_fields: object, message?: string) => void logged.push(message ?? '');
  const subscription: Subscription = {
    pull: async () => {
      const batch = batches.shift();
      if (batch === undefined) over.abort();
      if (batch instanceof GoogleError) throw batch;
      return batch ?? [];
    },
    acknowledge: async (ackIds) => void acknowledged.push(...ackIds),
    close: async () => undefined,
  };
  await runPull(rt, subscription, {
    mailboxes: async (addresses) => notify(addresses),
    channel: async () => 'unknown',
  });
  return { acknowledged, slept, logged };
}

const message = (ackId: string, address: string | null): Pulled => ({ ackId, address });
const unavailable = new GoogleError('pubsub.subscriptions.pull', {
  kind: 'unavailable',
  retryAfterMs: null,
});

test('what was written down is acknowledged, the unknown and the unreadable with it', async () => {
  const asked: string[][] = [];
  const { acknowledged } = await pull(
    [[message('1', 'a@x.example'), message('2', null), message('3', 'b@x.example')]],
    (addresses) => {
      asked.push([...addresses]);
      return addresses.map(() => 'unknown');
    },
  );
  expect([asked, acknowledged]).toEqual([[['a@x.example', 'b@x.example']], ['1', '2', '3']]);
});

test('what was not written down comes again: the write failed, or too much waits', async () => {
  let tries = 0;
  const { acknowledged } = await pull(
    [[message('1', 'a@x.example')], [message('1', 'a@x.example')], [message('1', 'a@x.example')]],
    () => {
      tries += 1;
      if (tries === 1) throw new Error('terminating connection');
      return [tries === 2 ? 'busy' : 'notified'];
    },
  );
  expect([tries, acknowledged]).toEqual([3, ['1']]);
});

test('a transient error is retried after ever longer pauses up to half a minute, logged once in 30 s, and forgotten when it is over', async () => {
  const { slept, logged } = await pull(
    [...Array.from({ length: 8 }, () => unavailable), [message('1', 'a@x.example')], unavailable],
    () => ['notified'],
  );
  expect(slept.slice(0, 8)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  expect(slept[8]).toBe(500);
  expect(logged).toHaveLength(3);
});

test('errors that the operator has to correct are named', async () => {
  const { logged } = await pull(
    [
      new GoogleError('pubsub.subscriptions.pull', { kind: 'not-found' }),
      [message('1', null)],
      new GoogleError('pubsub.subscriptions.pull', { kind: 'forbidden', reason: 'forbidden' }),
    ],
    () => [],
  );
  expect(logged).toEqual([
    expect.stringContaining('GMAIL_PUBSUB_SUBSCRIPTION does not exist'),
    expect.stringContaining('Pub/Sub Subscriber'),
  ]);
});
