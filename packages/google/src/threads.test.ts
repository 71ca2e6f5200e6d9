import { type Bench, openBench } from '../test-support/bench-google.js';
import { batchReply, refusal } from '../test-support/stub-google.js';
import type { Gmail } from './apis/gmail/gmail.js';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
beforeEach(() => bench.fresh());
afterAll(() => bench.stop());

/** Returns the threads that each batch requested, by their Content-IDs. */
const askedFor = (body: string): { contentId: string; id: string }[] =>
  [
    ...body.matchAll(
      /Content-ID: <([^>]+)>[\s\S]*?GET \/gmail\/v1\/users\/me\/threads\/([^?]+)\?format=full/g,
    ),
  ].map(([, contentId = '', id = '']) => ({ contentId, id }));

async function gmail(): Promise<{ gmail: Gmail; takeSpent: () => unknown }> {
  return (await bench.open()).account('a1', { lane: 'bulk' });
}

const threads = (count: number, messages: number): { id: string; messages: number }[] =>
  Array.from({ length: count }, (_, i) => ({ id: `t${i}`, messages }));

test('threads are returned with their messages at their price; a 404 is missing, and a malformed one is requested again', async () => {
  let cut = true;
  bench.stub.answer = (seen) =>
    batchReply(
      askedFor(seen.body).map(({ contentId, id }) => {
        if (id === 't1') return { contentId, status: 404, json: refusal(404, 'notFound') };
        if (id === 't2' && cut)
          return (
            (cut = false),
            { contentId, status: 200, json: { id, messages: [{ snippet: 'no id' }] } }
          );
        return {
          contentId,
          status: 200,
          json: {
            id,
            messages: [
              { id: `${id}-1`, threadId: id, payload: {} },
              { id: `${id}-2`, threadId: id, payload: {} },
            ],
          },
        };
      }),
    );
  const { gmail: api, takeSpent } = await gmail();
  const { threads: found, missing, failed } = await api.getThreads(threads(3, 2));
  expect(found.map(({ id, messages }) => [id, messages.map((message) => message.id)])).toEqual([
    ['t0', ['t0-1', 't0-2']],
    ['t2', ['t2-1', 't2-2']],
  ]);
  expect([missing, failed]).toEqual([['t1'], []]);
  expect(takeSpent()).toEqual([{ method: 'gmail.users.threads.get', calls: 4, units: 160 }]);
});

test('a batch returns at most a hundred messages, or one thread', async () => {
  bench.stub.answer = (seen) =>
    batchReply(
      askedFor(seen.body).map(({ contentId, id }) => ({
        contentId,
        status: 200,
        json: { id, messages: [{ id: `${id}-1`, threadId: id, payload: {} }] },
      })),
    );
  const { gmail: api } = await gmail();
  await api.getThreads([
    ...threads(7, 30),
    { id: 'long', messages: 400 },
    { id: 'last', messages: 5 },
  ]);
  expect(bench.stub.seen.map((seen) => askedFor(seen.body).length)).toEqual([3, 3, 1, 1, 1]);
});

test('prices are the tier’s', async () => {
  expect((await gmail()).gmail.prices).toEqual({ message: 20, thread: 40 });
});
