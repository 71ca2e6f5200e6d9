import {
  GoogleError,
  type FetchedMessages,
  type FetchedThreads,
  type Gmail,
} from '@syncline/google';
import { askFor } from './answers.js';
import { askForWhole } from './attached-bodies.js';
import { MIRROR_EVERYTHING } from '../../mirror-policy.js';
import type { FetchPlan } from './plan.js';

const quota = new GoogleError('gmail.users.threads.get', {
  kind: 'rate-limited',
  scope: 'user',
  retryAfterMs: 1_000,
  source: 'governor',
});
const outage = new GoogleError('gmail.users.messages.get', {
  kind: 'unavailable',
  retryAfterMs: null,
});
const tokenRefused = new GoogleError('oauth2.token', {
  kind: 'forbidden',
  reason: 'admin_policy_enforced: the Workspace administrator blocks this app',
});
const plan: FetchPlan = {
  items: [],
  messages: ['m9'],
  threads: [
    { id: 'a', size: 4, pending: ['m1', 'm2', 'm3'] },
    { id: 'b', size: 3, pending: ['m4', 'm5', 'm6'] },
  ],
};

function google(
  threads: Partial<FetchedThreads>,
  messages: () => Promise<Partial<FetchedMessages>>,
): { gmail: Gmail; asked: string[][] } {
  const asked: string[][] = [];
  const gmail = {
    getThreads: async () => ({ threads: [], missing: [], failed: [], ...threads }),
    getMessages: async (ids: string[]) => {
      asked.push(ids);
      return { messages: [], missing: [], failed: [], ...(await messages()) };
    },
  } as unknown as Gmail;
  return { gmail, asked };
}

test('of a thread only pending messages are taken, and what it does not name is asked for again', async () => {
  const { gmail } = google(
    {
      threads: [{ id: 'a', messages: [{ id: 'm1' }, { id: 'm3' }, { id: 'new' }] }],
      missing: ['b'],
    },
    async () => ({ messages: [{ id: 'm9' }] }),
  );
  const answers = await askFor(gmail, plan);
  expect(answers.messages.map(({ id }) => id)).toEqual(['m1', 'm3', 'm9']);
  expect([...answers.unnamed]).toEqual(['m2', 'm4', 'm5', 'm6']);
  expect([answers.failed.size, answers.missing.size]).toEqual([0, 0]);
});

test('quota that ends among the threads keeps the messages back without another call', async () => {
  const { gmail, asked } = google(
    {
      threads: [{ id: 'a', messages: [{ id: 'm1' }, { id: 'm2' }, { id: 'm3' }] }],
      failed: [{ id: 'b', error: quota }],
    },
    async () => ({}),
  );
  const answers = await askFor(gmail, plan);
  expect(answers.messages).toHaveLength(3);
  expect(Object.fromEntries(answers.failed)).toEqual({
    m4: quota,
    m5: quota,
    m6: quota,
    m9: quota,
  });
  expect(asked).toEqual([]);
});

test("keeps fetched threads when all single messages fail, and throws the account's refusal when nothing was fetched", async () => {
  const threads = { threads: [{ id: 'a', messages: [{ id: 'm1' }, { id: 'm2' }, { id: 'm3' }] }] };
  const answers = await askFor(google(threads, async () => Promise.reject(outage)).gmail, plan);
  expect([answers.messages.length, answers.failed.get('m9')]).toEqual([3, outage]);
  const alone = { ...plan, threads: [] };
  const failed = await askFor(google({}, async () => Promise.reject(outage)).gmail, alone);
  expect([[...failed.failed], failed.worked.message]).toEqual([[['m9', outage]], false]);
  await expect(askFor(google({}, async () => Promise.reject(quota)).gmail, alone)).rejects.toBe(
    quota,
  );
});

test('the messages of a thread that fails while another comes are asked for alone at once', async () => {
  const { gmail, asked } = google(
    {
      threads: [{ id: 'a', messages: [{ id: 'm1' }, { id: 'm2' }, { id: 'm3' }] }],
      failed: [{ id: 'b', error: outage }],
    },
    async () => ({
      messages: [{ id: 'm9' }, { id: 'm4' }, { id: 'm6' }],
      failed: [{ id: 'm5', error: outage }],
    }),
  );
  const answers = await askFor(gmail, plan);
  expect(asked).toEqual([['m9', 'm4', 'm5', 'm6']]);
  expect(answers.messages.map(({ id }) => id)).toEqual(['m1', 'm2', 'm3', 'm9', 'm4', 'm6']);
  expect([[...answers.failed.keys()], answers.failedBy.size]).toEqual([['m5'], 0]);
});

test('when several threads fail and none comes, their messages are not asked for alone', async () => {
  const { gmail, asked } = google(
    {
      failed: ['a', 'b'].map((id) => ({ id, error: outage })),
    },
    async () => ({ messages: [{ id: 'm9' }] }),
  );
  const answers = await askFor(gmail, plan);
  expect(asked).toEqual([['m9']]);
  expect([...answers.failedBy]).toEqual(
    ['m1', 'm2', 'm3', 'm4', 'm5', 'm6'].map((id) => [id, 'thread']),
  );
});

test("a refusal of the token endpoint is the account's: nothing else is asked for after it", async () => {
  const { gmail, asked } = google({}, async () => ({ messages: [{ id: 'm9' }] }));
  gmail.getThreads = async () => {
    throw tokenRefused;
  };
  await expect(askFor(gmail, plan)).rejects.toBe(tokenRefused);
  expect(asked).toEqual([]);
});

test.each([
  ['forbidden', tokenRefused],
  ['rejected', new GoogleError('oauth2.token', { kind: 'rejected', status: 400, reason: 'other' })],
])(
  'a message whose body waits for an access token (%s) is not stored without it',
  async (_, refusal) => {
    const { gmail } = google({}, async () => ({
      messages: [
        {
          id: 'm9',
          payload: { mimeType: 'text/plain', body: { attachmentId: 'a', size: 9 } },
        },
      ],
    }));
    gmail.attachmentData = async () => {
      throw refusal;
    };
    const single: FetchPlan = { items: [], messages: ['m9'], threads: [] };
    const answers = await askForWhole(gmail, single, MIRROR_EVERYTHING);
    expect(answers.messages).toEqual([]);
    expect([...answers.failed]).toEqual([['m9', refusal]]);
  },
);
