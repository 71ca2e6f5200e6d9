import { storeFixture, type StoreFixture } from '../../../test/support/database.js';
import {
  beginFeedEpoch,
  changeDocument,
  checkFeedPosition,
  checkPosition,
  readFeed,
  type FeedItem,
} from './feed.js';

describe('the position of a reader', () => {
  const feed = { epoch: 3, seq: 90n, startSeq: 40n, oldestSeq: 1n };
  it('can be read from the beginning and from any number of the epoch', () => {
    expect(checkPosition({ after: 0n }, feed)).toEqual({ kind: 'applied', feed });
    expect(checkPosition({ after: 90n, epoch: 3 }, feed)).toEqual({ kind: 'applied', feed });
  });

  it('of an earlier epoch can be read with a gap', () => {
    expect(checkPosition({ after: 39n }, feed)).toEqual({ kind: 'earlier-epoch', feed });
  });

  it('with another epoch, or beyond the end, cannot be read', () => {
    expect(checkPosition({ after: 50n, epoch: 2 }, feed)).toEqual({ kind: 'other-epoch', feed });
    expect(checkPosition({ after: 91n }, feed)).toEqual({ kind: 'beyond-end', feed });
  });

  it('before what is kept cannot be read, and everything from the oldest event on can', () => {
    const pruned = { ...feed, oldestSeq: 61n };
    expect(checkPosition({ after: 0n }, pruned)).toEqual({ kind: 'pruned', feed: pruned });
    expect(checkPosition({ after: 59n, epoch: 3 }, pruned)).toEqual({
      kind: 'pruned',
      feed: pruned,
    });
    expect(checkPosition({ after: 60n, epoch: 3 }, pruned).kind).toBe('applied');
  });

  it('that has read everything can always be read', () => {
    const empty = { ...feed, oldestSeq: 91n };
    expect(checkPosition({ after: 90n, epoch: 3 }, empty).kind).toBe('applied');
    expect(checkPosition({ after: 0n }, { ...feed, startSeq: 90n, oldestSeq: 91n }).kind).toBe(
      'applied',
    );
  });
});

test('a number that JavaScript cannot hold is a string in a document', () => {
  const event = {
    epoch: 1,
    entity: 'message',
    id: 'm',
    calendarId: null,
    op: 'created',
    origin: 'live',
    at: new Date(0),
  } as const;
  expect(changeDocument({ ...event, seq: 7n })).toEqual({ ...event, seq: 7 });
  expect(changeDocument({ ...event, seq: 2n ** 53n })).toEqual({
    ...event,
    seq: '9007199254740992',
  });
});

describe('a feed in the database', () => {
  let fixture: StoreFixture;
  beforeAll(async () => {
    fixture = await storeFixture();
    await fixture.database.pool.query(
      `INSERT INTO syncline.changes (account_id, seq, entity, entity_id, op)
       SELECT $1, n, 'message', 'm' || n, 'created'
       FROM generate_series(1, 1500) AS n`,
      [fixture.accountId],
    );
    await fixture.database.pool.query('UPDATE syncline.accounts SET feed_seq = 1500');
  });
  afterAll(() => fixture.close());

  const account = (): { id: string } => ({ id: fixture.accountId });
  const read = async (input: {
    epoch: number;
    after: bigint;
    limit: number;
  }): Promise<FeedItem[]> => {
    const items: FeedItem[] = [];
    for await (const item of readFeed(fixture, account(), input)) items.push(item);
    return items;
  };

  it('is read from a position to its end, in pages, and no further than the limit', async () => {
    const { kind, feed } = await checkFeedPosition(fixture, account(), { after: 0n });
    expect(kind).toBe('applied');
    const numbers = (items: FeedItem[]): bigint[] =>
      items.flatMap((item) => (item.kind === 'event' ? [item.event.seq] : []));
    const { epoch } = feed;
    const all = numbers(await read({ epoch, after: 0n, limit: Number.MAX_SAFE_INTEGER }));
    expect([all.length, all[0], all.at(-1)]).toEqual([1_500, 1n, 1_500n]);
    expect(numbers(await read({ epoch, after: 1_498n, limit: 9 }))).toEqual([1_499n, 1_500n]);
    expect(numbers(await read({ epoch, after: 0n, limit: 1_001 }))).toHaveLength(1_001);
  });

  it('ends where an event of another epoch comes next', async () => {
    const { feed } = await checkFeedPosition(fixture, account(), { after: 0n });
    expect(await read({ epoch: feed.epoch + 1, after: 1_400n, limit: 10 })).toEqual([
      { kind: 'epoch-began', epoch: feed.epoch, after: 1_400n },
    ]);
  });

  it('ends where retention has deleted what the reader needs next', async () => {
    const { feed } = await checkFeedPosition(fixture, account(), { after: 0n });
    await fixture.database.pool.query('UPDATE syncline.accounts SET feed_oldest_seq = 1401');
    const items = await read({ epoch: feed.epoch, after: 0n, limit: 10 });
    await fixture.database.pool.query('UPDATE syncline.accounts SET feed_oldest_seq = 1');
    expect(items).toEqual([{ kind: 'pruned', oldestSeq: 1_401n, after: 0n }]);
  });

  it('begins a new epoch of every feed', async () => {
    const { feed } = await checkFeedPosition(fixture, account(), { after: 0n });
    const epoch = await beginFeedEpoch(fixture);
    expect(epoch).toBeGreaterThan(feed.epoch);
    expect(await checkFeedPosition(fixture, account(), { after: 1n })).toMatchObject({
      kind: 'earlier-epoch',
      feed: { epoch, seq: 1_500n, startSeq: 1_500n },
    });
  });
});
