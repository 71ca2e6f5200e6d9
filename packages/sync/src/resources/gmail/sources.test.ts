import { GoogleError, type GmailMessage, type GoogleErrorKind } from '@syncline/google';
import type { PendingItem } from './plan.js';
import type { StepContext } from '../../step.js';
import { fetchStep } from './fetch.js';
import { MIRROR_EVERYTHING } from '../../mirror-policy.js';
import { bytesOf } from './sources.js';

/*
 * Which messages of a page are stored with their sources, with made-up responses of Google and a
 * made-up list.
 */

const CURSOR = { phase: 'full', step: 'fetch', from: '7', listed: 9, fetched: 0 } as const;
const MB = 1024 * 1024;
const item = (ordinal: number): PendingItem => ({
  id: `m${ordinal}`,
  ordinal: BigInt(ordinal),
  attempts: 0,
  waitMs: 0,
  threadId: null,
});
const error = (detail: GoogleErrorKind): GoogleError =>
  new GoogleError('gmail.users.messages.get', detail);

const FULL = error({
  kind: 'rate-limited',
  scope: 'user',
  retryAfterMs: 9_000,
  source: 'governor',
});
const OUTAGE = error({ kind: 'unavailable', retryAfterMs: null });
const DEAD = error({ kind: 'unauthorized', reason: 'invalid_grant' });

interface MadeUp {
  items: PendingItem[];
  /** Bytes of each message; default 1,000. */
  bytes?: Record<string, number>;
  refused?: Record<string, GoogleError>;
  missing?: string[];
  failedMessages?: Record<string, GoogleError>;
}

function contextOf({
  items,
  bytes = {},
  refused = {},
  missing = [],
  failedMessages = {},
}: MadeUp): { context: StepContext; asked: string[][]; fetched: string[][] } {
  const [asked, fetched]: string[][][] = [[], []];
  const failuresOf = (ids: string[], errors: Record<string, GoogleError>) =>
    ids.flatMap((id) => (errors[id] ? [{ id, error: errors[id] }] : []));
  const gmail = {
    prices: { message: 20, thread: 40 },
    getMessages: async (ids: string[]) => {
      fetched!.push(ids);
      return {
        messages: ids
          .filter((id) => !failedMessages[id])
          .map((id) => ({ id, threadId: 't', historyId: '1', sizeEstimate: bytes[id] ?? 1_000 })),
        missing: [],
        failed: failuresOf(ids, failedMessages),
      };
    },
    getSources: async (messages: { id: string; bytes: number }[]) => {
      const ids = messages.map(({ id }) => id);
      asked!.push(ids);
      return {
        sources: ids
          .filter((id) => !refused[id] && !missing.includes(id))
          .map((id) => ({ id, source: Buffer.from(`source of ${id}`) })),
        missing: missing.filter((id) => ids.includes(id)),
        failed: failuresOf(ids, refused),
      };
    },
  };
  const itemQueries = {
    nextPending: async (_lease: unknown, _generation: number, q: { afterOrdinal: bigint }) =>
      items.filter(({ ordinal }) => ordinal > q.afterOrdinal),
    threads: async () => [],
  };
  const rt = { random: { next: () => 0.5 }, log: { warn: () => undefined } };
  const context = {
    rt,
    store: { items: itemQueries, quarantine: { failed: async () => new Map() } },
    google: { gmail },
    lease: { failures: 0 },
    generation: 1,
    mirror: { ...MIRROR_EVERYTHING, bodies: 'raw' },
    window: { fromMs: 0, goalMs: null },
    prefetched: null,
    hasTime: () => true,
  };
  return { context: context as unknown as StepContext, asked: asked!, fetched: fetched! };
}

const stored = (step: Awaited<ReturnType<typeof fetchStep>>): unknown =>
  step.commit?.delta.kind === 'gmail' &&
  step.commit.delta.messages.map((row) => `${row.id}: ${String(row.source)}`);

test('quota that ends among the sources leaves their messages where they are, and stores the others', async () => {
  const { context } = contextOf({
    items: [item(1), item(2), item(3)],
    refused: { m2: FULL, m3: FULL },
  });
  const step = await fetchStep(context, CURSOR);
  expect(stored(step)).toEqual(['m1: source of m1']);
  expect(step.commit).toMatchObject({
    cursor: { fetched: 1, listed: 9 },
    items: { fetchLater: [], takenEarly: [], quarantined: [] },
  });
  expect(step.end).toMatchObject({ kind: 'snoozed', counts: false });
});

test('a source that fails while others come is tried again, one that is not found is asked for once more, and then its message is stored without it', async () => {
  const { context } = contextOf({
    items: [item(1), { ...item(2), attempts: 2 }, item(3), item(4)],
    refused: { m1: OUTAGE },
    missing: ['m2', 'm3'],
  });
  const step = await fetchStep(context, CURSOR);
  expect(stored(step)).toEqual(['m2: null', 'm4: source of m4']);
  expect(step.commit?.items).toMatchObject({
    fetchLater: [{ id: 'm3', delayMs: 2_000 }],
    failing: [{ id: 'm1', tries: 1, retryInMs: 5_000 }],
    dropped: [],
    quarantined: [],
  });
});

test('a grant that is refused among the messages is not asked for sources', async () => {
  const { context, asked } = contextOf({ items: [item(1), item(2)], failedMessages: { m2: DEAD } });
  const step = await fetchStep(context, CURSOR);
  expect([stored(step), asked]).toEqual([[], []]);
  expect(step.commit?.cursor).toMatchObject({ fetched: 0 });
});

test('a page brings 8 MB of sources at most, and the others come later without being paid for twice', async () => {
  const { context, asked, fetched } = contextOf({
    items: [item(1), item(2), item(3), item(4)],
    bytes: { m1: 5 * MB, m2: 3 * MB - 1, m3: 40 * MB },
  });
  const first = await fetchStep(context, CURSOR);
  expect([stored(first), first.commit?.cursor]).toMatchObject([
    ['m1: source of m1', 'm2: source of m2'],
    { fetched: 2 },
  ]);
  const second = await fetchStep(context, { ...CURSOR, fetched: 2 });
  expect([stored(second), second.commit?.cursor]).toMatchObject([
    ['m3: source of m3'],
    { fetched: 3 },
  ]);
  const third = await fetchStep(context, { ...CURSOR, fetched: 3 });
  expect([stored(third), third.commit?.cursor]).toMatchObject([
    ['m4: source of m4'],
    { fetched: 4 },
  ]);
  expect([asked, fetched[0]]).toEqual([
    [['m1', 'm2'], ['m3'], ['m4']],
    ['m1', 'm2', 'm3', 'm4'],
  ]);
  expect(fetched.flat().filter((id) => id === 'm3' || id === 'm4')).toHaveLength(2);
});

test('a draft, which has no estimate, counts by its parts', () => {
  const draft: GmailMessage = {
    id: 'd',
    payload: {
      body: { size: 100 },
      parts: [{ body: { size: 1_000_000 } }, { parts: [{ body: { size: 900 } }] }],
    },
  };
  expect([bytesOf(draft), bytesOf({ ...draft, sizeEstimate: 7 })]).toEqual([2_048 + 1_401_400, 7]);
});
