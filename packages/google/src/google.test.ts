import { gzipSync } from 'node:zlib';
import { type Bench, QUOTAS, openBench } from '../test-support/bench-google.js';
import { refusal } from '../test-support/stub-google.js';
import { GoogleError } from './errors.js';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
beforeEach(() => bench.fresh());
afterAll(() => bench.stop());

/** Returns the detail of the error that a call throws; fails the test when it does not throw. */
async function detailOf(call: Promise<unknown>): Promise<GoogleError['detail']> {
  const error: unknown = await call.then(
    () => new Error('the call succeeded'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof GoogleError) return error.detail;
  throw error;
}

const profile = {
  emailAddress: 'ada@example.com',
  messagesTotal: 3,
  threadsTotal: 2,
  historyId: '18446744073709551615',
};

describe('calls', () => {
  test('a profile comes with its historyId as an exact number', async () => {
    bench.stub.answer = () => ({ body: profile });
    const { gmail, takeSpent } = (await bench.open()).account('a1');
    expect(await gmail.profile()).toEqual({ ...profile, historyId: 18_446_744_073_709_551_615n });
    expect(bench.stub.seen).toMatchObject([
      {
        verb: 'GET',
        path: '/gmail/v1/users/me/profile',
        headers: { authorization: 'Bearer ya29.1' },
      },
    ]);
    expect([takeSpent(), takeSpent()]).toEqual([
      [{ method: 'gmail.users.getProfile', calls: 1, units: 1 }],
      [],
    ]);
  });

  test('ids are listed 500 per page with spam and trash, by label when requested; an empty page is empty', async () => {
    const { gmail } = (await bench.open()).account('a1');
    bench.stub.answer = () => ({
      body: {
        messages: [{ id: 'm1', threadId: 't1' }],
        nextPageToken: '0956',
        resultSizeEstimate: 201,
      },
    });
    expect(await gmail.listMessages({ pageToken: '09&5', labelId: 'INBOX' })).toEqual({
      ids: [{ id: 'm1', threadId: 't1' }],
      nameless: 0,
      nextPageToken: expect.stringMatching(/:0956$/) as string,
    });
    expect(Object.fromEntries(bench.stub.seen[0]?.query ?? [])).toEqual({
      maxResults: '500',
      includeSpamTrash: 'true',
      labelIds: 'INBOX',
      pageToken: '09&5',
    });
    await gmail.listMessages({
      pageToken: null,
      search: 'after:1700000000 -in:drafts',
      spamAndTrash: false,
    });
    expect(Object.fromEntries(bench.stub.seen[1]?.query ?? [])).toEqual({
      maxResults: '500',
      includeSpamTrash: 'false',
      q: 'after:1700000000 -in:drafts',
    });
    bench.stub.answer = () => ({ body: { resultSizeEstimate: 0 } });
    expect(await gmail.listMessages({ pageToken: null })).toEqual({
      ids: [],
      nameless: 0,
      nextPageToken: null,
    });
  });

  test('history starts after an id, and a response without history has no records', async () => {
    const { gmail } = (await bench.open()).account('a1');
    bench.stub.answer = () => ({ body: { historyId: '1710' } });
    expect(
      await gmail.history({ startHistoryId: 9_007_199_254_740_993n, pageToken: null }),
    ).toEqual({ records: [], historyId: 1710n, nextPageToken: null });
    expect(bench.stub.seen[0]?.path).toBe(
      '/gmail/v1/users/me/history?startHistoryId=9007199254740993&maxResults=500',
    );
  });

  test.each([undefined, null, 1710, '', '0', '12x', '-3', '1'.repeat(21)])(
    'a historyId of %j counts as missing, and the other fields of the response are used',
    async (historyId) => {
      const { gmail } = (await bench.open()).account('a1');
      bench.stub.answer = () => ({ body: { ...profile, historyId, history: [{ id: '8' }] } });
      expect(await gmail.profile()).toEqual({ ...profile, historyId: null });
      expect(await gmail.history({ startHistoryId: 7n, pageToken: null })).toEqual({
        records: [{ id: '8' }],
        historyId: null,
        nextPageToken: null,
      });
    },
  );

  test.each([
    ['no id', { messagesAdded: [{ message: { id: 'm2' } }] }, null],
    ['a list that is none', { id: '9', messages: [{ id: 'm2' }], messagesAdded: 5 }, ['m2']],
    ['an entry that is null', { id: '9', labelsAdded: [null, { message: { id: 'm3' } }] }, ['m3']],
    [
      'labels that are a text',
      { id: '9', labelsAdded: [{ message: { id: 'm2' }, labelIds: 'A' }] },
      ['m2'],
    ],
    [
      'labels that are a number',
      { id: '9', labelsAdded: [{ message: { id: 'm2' }, labelIds: 5 }] },
      ['m2'],
    ],
    [
      'a label that is no text',
      { id: '9', labelsRemoved: [{ message: { id: 'm2' }, labelIds: [{}] }] },
      ['m2'],
    ],
    [
      'a message whose labels are none',
      { id: '9', messagesAdded: [{ message: { id: 'm2', labelIds: 7 } }] },
      ['m2'],
    ],
    ['a message whose id is a number', { id: '9', messagesDeleted: [{ message: { id: 5 } }] }, []],
  ])(
    'a history record with %s does not affect others, and its messages are read again',
    async (_, bad, again) => {
      const { gmail } = (await bench.open()).account('a1');
      const good = { id: '8', messagesDeleted: [{ message: { id: 'm1' } }] };
      bench.stub.answer = () => ({ body: { historyId: '9', history: [good, null, bad, good] } });
      const { records } = await gmail.history({ startHistoryId: 7n, pageToken: null });
      expect(records).toEqual([
        good,
        again === null ? bad : { id: '9', messages: again.map((id) => ({ id })) },
        good,
      ]);
    },
  );

  test.each([undefined, null, '3', -1, 1.5, Number.MAX_VALUE])(
    'a profile with counts of %j is accepted',
    async (count) => {
      const { gmail } = (await bench.open()).account('a1');
      bench.stub.answer = () => ({
        body: { ...profile, messagesTotal: count, threadsTotal: count },
      });
      expect(await gmail.profile()).toMatchObject({
        emailAddress: profile.emailAddress,
        messagesTotal: null,
      });
    },
  );

  test('empty page tokens and sync tokens count as missing', async () => {
    const { gmail, calendar } = (await bench.open()).account('a1');
    bench.stub.answer = () => ({
      body: {
        messages: [{ id: 'm1', threadId: 't1' }],
        items: [],
        nextPageToken: '',
        nextSyncToken: '',
      },
    });
    expect(await gmail.listMessages({ pageToken: null })).toMatchObject({ nextPageToken: null });
    expect(await calendar.calendars({ syncToken: null, pageToken: null })).toMatchObject({
      nextPageToken: null,
      nextSyncToken: null,
    });
  });

  test.each([5, true, { a: 1 }, []])(
    'a page token of %j ends its listing with a reason; such a sync token counts as missing',
    async (token) => {
      const { gmail, calendar } = (await bench.open()).account('a1');
      bench.stub.answer = () => ({ body: { nextPageToken: token } });
      expect(await detailOf(gmail.listMessages({ pageToken: null }))).toEqual({
        kind: 'endless-listing',
        reason: 'token-unusable',
      });
      bench.stub.answer = () => ({ body: { items: [], nextSyncToken: token } });
      expect(await calendar.calendars({ syncToken: null, pageToken: null })).toMatchObject({
        nextSyncToken: null,
      });
    },
  );

  test('a history record without an id may be nested too deep to be serialized', async () => {
    const { gmail } = (await bench.open()).account('a1');
    const nested = '['.repeat(20_000) + ']'.repeat(20_000);
    const record = `{"messages":[{"id":"m1","threadId":"t"}],"more":${nested}}`;
    bench.stub.answer = () => ({
      body: `{"historyId":"9","history":[${record},{"id":"8","labelsAdded":[{"message":{"id":"m2"}}]}],"nextPageToken":"2"}`,
    });
    const { records } = await gmail.history({ startHistoryId: 7n, pageToken: null });
    expect(records).toMatchObject([{ messages: [{ id: 'm1' }] }, { id: '8' }]);
  });

  test('history that Google no longer keeps is an expired sync position', async () => {
    const { gmail } = (await bench.open()).account('a1');
    bench.stub.answer = () => ({ status: 404, body: refusal(404, 'notFound') });
    expect(await detailOf(gmail.history({ startHistoryId: 1n, pageToken: null }))).toEqual({
      kind: 'sync-position-expired',
    });
  });

  test('labels are returned unchanged', async () => {
    bench.stub.answer = () => ({ body: { labels: [{ id: 'INBOX', name: 'INBOX' }] } });
    expect(await (await bench.open()).account('a1').gmail.labels()).toEqual([
      { id: 'INBOX', name: 'INBOX' },
    ]);
  });

  test('calendar pages have constant parameters, and calendar ids are encoded', async () => {
    const { calendar } = (await bench.open()).account('a1');
    bench.stub.answer = () => ({ body: { items: [{ id: 'e1' }], nextSyncToken: 'CPDA=' } });
    expect(await calendar.calendars({ syncToken: null, pageToken: null })).toEqual({
      items: [{ id: 'e1' }],
      nameless: 0,
      nextPageToken: null,
      nextSyncToken: 'CPDA=',
    });
    await calendar.events({
      calendarId: 'en.usa+x#holiday@group.v.calendar.google.com',
      syncToken: 'CP=',
      pageToken: 'p',
    });
    expect(bench.stub.seen.map(({ path }) => path)).toEqual([
      '/calendar/v3/users/me/calendarList?maxResults=250&showHidden=true',
      '/calendar/v3/calendars/en.usa%2Bx%23holiday%40group.v.calendar.google.com/events?maxResults=2500&syncToken=CP%3D&pageToken=p',
    ]);
    bench.stub.answer = () => ({
      status: 400,
      body: refusal(400, 'invalid', 'Invalid sync token value.'),
    });
    expect(
      await detailOf(calendar.events({ calendarId: 'c', syncToken: 'x', pageToken: null })),
    ).toEqual({ kind: 'sync-position-expired' });
    expect(
      await detailOf(calendar.events({ calendarId: 'c', syncToken: null, pageToken: null })),
    ).toMatchObject({ kind: 'rejected', reason: 'invalid' });
  });
});

describe('answers that are no answers', () => {
  test.each([
    ['HTML under 200', { body: '<html>', headers: { 'content-type': 'text/html' } }],
    ['a cut JSON', { body: '{"historyId":"1' }],
    ['a list instead of an object', { body: [] }],
    ['a missing field', { body: { ...profile, emailAddress: undefined } }],
    ['a reset before the first byte', { reset: 'at-once' as const }],
    ['a reset within the body', { body: profile, reset: 'in-body' as const }],
    [
      'a gzip that was cut',
      {
        body: gzipSync(JSON.stringify(profile)).subarray(0, 40),
        headers: { 'content-encoding': 'gzip' },
      },
    ],
    ['502 in HTML', { status: 502, body: '<html>Bad Gateway</html>' }],
  ])('%s is a transient error, and nothing is sent twice', async (_name, reply) => {
    bench.stub.answer = () => reply;
    expect(await detailOf((await bench.open()).account('a1').gmail.profile())).toEqual({
      kind: 'unavailable',
      retryAfterMs: null,
    });
    expect(bench.stub.seen).toHaveLength(1);
  });

  test('a compressed answer is inflated', async () => {
    bench.stub.answer = () => ({
      body: gzipSync(JSON.stringify(profile)),
      headers: { 'content-encoding': 'gzip' },
    });
    expect(await (await bench.open()).account('a1').gmail.profile()).toMatchObject({
      messagesTotal: 3,
    });
  });

  test("an aborted call rejects with the caller's reason", async () => {
    const giveUp = new AbortController();
    bench.stub.answer = () => {
      giveUp.abort(new Error('draining'));
      return new Promise(() => undefined);
    };
    const { gmail } = (await bench.open()).account('a1', { lane: 'live', signal: giveUp.signal });
    await expect(gmail.profile()).rejects.toThrow('draining');
  });
});

describe('tokens', () => {
  test('concurrent calls share one refresh, in a process and across the fleet through a sealed token in Redis', async () => {
    bench.stub.answer = () => ({ body: profile });
    const [one, two] = [await bench.open(), await bench.open()];
    await Promise.all([one, one, two, two].map((google) => google.account('a1').gmail.profile()));
    expect(bench.stub.refreshes).toHaveLength(1);
    expect(Object.fromEntries(new URLSearchParams(bench.stub.refreshes[0]?.body))).toEqual({
      refresh_token: '1//a1',
      client_id: 'client',
      client_secret: 'secret',
      grant_type: 'refresh_token',
    });
    const key = `${bench.prefix}:{account:a1}:default:access-token`;
    expect(await bench.redis.client.get(key)).not.toContain('ya29');
    const livesMs = await bench.redis.client.pttl(key);
    expect(livesMs).toBeGreaterThan(3_290_000);
    expect(livesMs).toBeLessThanOrEqual(3_299_000);
  });

  test('after a 401 the call is repeated once with a new token, and charged twice', async () => {
    bench.stub.answer = ({ headers }) =>
      headers.authorization === 'Bearer ya29.1'
        ? { status: 401, body: refusal(401, 'authError') }
        : { body: profile };
    const { gmail, takeSpent } = (await bench.open()).account('a1');
    expect(await gmail.profile()).toMatchObject({ messagesTotal: 3 });
    expect([bench.stub.seen.length, bench.stub.refreshes.length]).toEqual([2, 2]);
    expect(takeSpent()).toEqual([{ method: 'gmail.users.getProfile', calls: 2, units: 2 }]);
  });

  test('a second 401 means that a person must act', async () => {
    bench.stub.answer = () => ({ status: 401, body: refusal(401, 'authError') });
    expect(await detailOf((await bench.open()).account('a1').gmail.profile())).toEqual({
      kind: 'unauthorized',
      reason: 'authError',
    });
    expect(bench.stub.seen).toHaveLength(2);
  });

  test('a calendar that answers 401 does not affect the grant while the calendar list answers', async () => {
    bench.stub.answer = ({ path }) =>
      path.includes('/events')
        ? { status: 401, body: refusal(401, 'authError') }
        : { body: { items: [] } };
    const { calendar } = (await bench.open()).account('a1');
    expect(
      await detailOf(calendar.events({ calendarId: 'c', syncToken: null, pageToken: null })),
    ).toEqual({ kind: 'forbidden', reason: 'authError' });
    // The account's other calls still succeed.
    expect(await calendar.calendars({ syncToken: null, pageToken: null })).toMatchObject({
      items: [],
    });
  });

  test("a history that answers 401 is requested later when the mailbox's answer is inconclusive", async () => {
    bench.stub.answer = ({ path }) =>
      path.includes('/history')
        ? { status: 401, body: refusal(401, 'authError') }
        : { status: 503, body: {} };
    expect(
      await detailOf(
        (await bench.open()).account('a1').gmail.history({ startHistoryId: 1n, pageToken: null }),
      ),
    ).toMatchObject({ kind: 'unavailable' });
  });

  test('a token that another process has renewed is used and not refreshed again', async () => {
    bench.stub.answer = ({ headers }) =>
      headers.authorization === 'Bearer ya29.1'
        ? { status: 401, body: refusal(401, 'authError') }
        : { body: profile };
    const [one, two] = [await bench.open(), await bench.open()];
    bench.stub.answer = () => ({ body: profile });
    await one.account('a1').gmail.profile();
    await two.account('a1').gmail.profile();
    bench.stub.answer = ({ headers }) =>
      headers.authorization === 'Bearer ya29.1'
        ? { status: 401, body: refusal(401, 'authError') }
        : { body: profile };
    await one.account('a1').gmail.profile();
    await two.account('a1').gmail.profile();
    expect(bench.stub.refreshes).toHaveLength(2);
  });

  test('a refused grant is tried once until there is a new one', async () => {
    bench.stub.grant = ({ body }) =>
      body.includes('old')
        ? { status: 400, body: { error: 'invalid_grant' } }
        : { body: { access_token: 'ya29.new', expires_in: 3_599 } };
    bench.stub.answer = () => ({ body: profile });
    bench.tokens.current.set('a1', 'old');
    const google = await bench.open();
    const { gmail } = google.account('a1');
    for (let i = 0; i < 3; i += 1)
      expect(await detailOf(gmail.profile())).toEqual({
        kind: 'unauthorized',
        reason: 'invalid_grant',
      });
    expect([bench.stub.seen.length, bench.stub.refreshes.length]).toEqual([0, 1]);
    bench.tokens.current.set('a1', 'young');
    bench.tokens.versions.set('a1', 1);
    // The account's window stays closed for seconds, so another one is used to show that the new
    // grant is not treated as the dead one.
    const again = google.account('a1', { lane: 'live', quotaUser: 'another' });
    expect(await again.gmail.profile()).toMatchObject({ messagesTotal: 3 });
  });

  test('a refused grant is tried again when its version has risen, even with the same refresh token', async () => {
    bench.stub.grant = () => ({ status: 400, body: { error: 'invalid_grant' } });
    bench.stub.answer = () => ({ body: profile });
    const [one, two] = [await bench.open(), await bench.open()];
    await expect(one.account('a1').gmail.profile()).rejects.toThrow('invalid_grant');
    bench.stub.grant = () => ({ body: { access_token: 'ya29.x', expires_in: 3_599 } });
    bench.tokens.versions.set('a1', 1);
    for (const google of [one, two])
      await google.account('a1', { lane: 'live', quotaUser: 'another' }).gmail.profile();
    expect(bench.stub.refreshes).toHaveLength(2);
  });

  test('a process that knows a newer grant version does not use an older access token', async () => {
    const made = { count: 0 };
    bench.stub.grant = () => ({
      body: { access_token: `ya29.${(made.count += 1)}`, expires_in: 3_599 },
    });
    bench.stub.answer = () => ({ body: profile });
    const [one, two] = [await bench.open(), await bench.open()];
    await one.account('a1').gmail.profile();
    await two.account('a1').gmail.profile();
    bench.tokens.versions.set('a1', 1);
    for (const google of [one, two])
      await google.account('a1', { lane: 'live', grantVersion: 1 }).gmail.profile();
    // A run that began earlier continues with the token of the newer grant.
    await one.account('a1', { lane: 'live', grantVersion: 0 }).gmail.profile();
    expect(bench.stub.seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer ya29.1',
      'Bearer ya29.1',
      'Bearer ya29.2',
      'Bearer ya29.2',
      'Bearer ya29.2',
    ]);
  });

  test('a refused OAuth client is tried once for all accounts and processes until a try succeeds', async () => {
    const outcomes = { client: { status: 401, body: { error: 'invalid_client' } as object } };
    bench.stub.grant = () => outcomes.client;
    bench.stub.answer = () => ({ body: profile });
    const [one, two] = [await bench.open(), await bench.open()];
    for (const google of [one, two])
      for (const account of ['a1', 'a2', 'a3'])
        expect(await detailOf(google.account(account).gmail.profile())).toMatchObject({
          kind: 'forbidden',
          reason: expect.stringMatching(/^invalid_client/),
        });
    expect(bench.stub.refreshes).toHaveLength(1);
    const renamed = await bench.open({ clientSecret: 'another' });
    await detailOf(renamed.account('a1').gmail.profile());
    expect(bench.stub.refreshes).toHaveLength(2);
    await expect(two.tryAgain('a1')).rejects.toThrow('invalid_client');
    outcomes.client = { status: 200, body: { access_token: 'ya29.x', expires_in: 3_599 } };
    await two.tryAgain('a1');
    await one.account('a3').gmail.profile();
  });

  test('a refresh token that cannot be decrypted is reported apart from a refused grant and affects no other account', async () => {
    const google = await bench.open({
      tokens: { ...bench.tokens, grant: async () => ({ kind: 'unreadable' }) },
    });
    expect(await detailOf(google.account('a1').gmail.profile())).toEqual({
      kind: 'unauthorized',
      reason: 'credential_unreadable',
    });
    expect(await google.revoke('a2')).toBe('unreadable');
    bench.stub.answer = () => ({ body: profile });
    const other = await bench.open();
    await other.account('sibling', { lane: 'live', quotaUser: 'a1' }).gmail.profile();
  });

  test('a grant under a master key that this process lacks is not refused, and other accounts are not affected', async () => {
    const google = await bench.open({
      tokens: { ...bench.tokens, grant: async () => ({ kind: 'key-missing', keyId: '5f3c' }) },
    });
    const missing = { kind: 'key-missing', keyId: '5f3c' };
    expect(await detailOf(google.account('a1').gmail.profile())).toEqual(missing);
    expect(await detailOf(google.account('a1').gmail.getMessages(['m1', 'm2']))).toEqual(missing);
    expect(await detailOf(google.revoke('a2'))).toEqual(missing);
    expect(bench.stub.refreshes).toHaveLength(0);
    bench.stub.answer = () => ({ body: profile });
    const other = await bench.open();
    await other.account('sibling', { lane: 'live', quotaUser: 'a1' }).gmail.profile();
  });

  test('a refresh token that is not stored because the master key was replaced is a missing key, and no access token is given', async () => {
    bench.stub.grant = () => ({
      body: { access_token: 'ya29.new', expires_in: 3_599, refresh_token: '1//next' },
    });
    const missing = { kind: 'key-missing', keyId: '5f3c' } as const;
    const google = await bench.open({ tokens: { ...bench.tokens, rotated: async () => missing } });
    expect(await detailOf(google.account('a1').gmail.profile())).toEqual(missing);
    expect(bench.stub.seen).toHaveLength(0);
  });

  test('workers that hold a token of a refused grant stop their calls and do not refresh it', async () => {
    bench.stub.answer = () => ({ body: profile });
    const [one, two] = [await bench.open(), await bench.open()];
    await one.account('a1').gmail.profile();
    await two.account('a1').gmail.profile();
    bench.stub.grant = () => ({ status: 400, body: { error: 'invalid_grant' } });
    bench.stub.answer = () => ({ status: 401, body: refusal(401, 'authError') });
    expect(await detailOf(one.account('a1').gmail.profile())).toMatchObject({
      kind: 'unauthorized',
    });
    const before = bench.stub.seen.length;
    expect(
      await detailOf(two.account('a1').calendar.calendars({ syncToken: null, pageToken: null })),
    ).toMatchObject({ kind: 'rate-limited', source: 'governor' });
    expect([bench.stub.seen.length - before, bench.stub.refreshes.length]).toEqual([0, 2]);
    await two.forgetToken('a1');
    expect(await detailOf(two.account('a1').gmail.profile())).toMatchObject({
      kind: 'unauthorized',
    });
    expect(bench.stub.refreshes).toHaveLength(3);
  });

  test('no request is made for an account without a grant', async () => {
    bench.tokens.current.set('a1', null);
    expect(await detailOf((await bench.open()).account('a1').gmail.profile())).toMatchObject({
      kind: 'unauthorized',
    });
    expect(bench.stub.refreshes).toHaveLength(0);
  });

  test.each([
    ['a busy token endpoint', { status: 429, body: {} }, 'unavailable'],
    ['a broken token endpoint', { status: 503, body: '<html>' }, 'unavailable'],
    ['an answer without a token', { body: {} }, 'unavailable'],
    ['an unknown client', { status: 401, body: { error: 'invalid_client' } }, 'forbidden'],
  ])('%s does not disconnect the account', async (_name, reply, kind) => {
    bench.stub.grant = () => reply;
    expect(await detailOf((await bench.open()).account('a1').gmail.profile())).toMatchObject({
      kind,
    });
  });

  test('a refresh token that Google replaces is passed to the store', async () => {
    bench.stub.grant = () => ({
      body: { access_token: 'ya29.x', expires_in: 3_599, refresh_token: '1//next' },
    });
    bench.stub.answer = () => ({ body: profile });
    await (await bench.open()).account('a1').gmail.profile();
    expect(bench.tokens.rotations).toEqual(['1//next']);
  });

  test('a short-lived token is renewed before it ends', async () => {
    bench.stub.grant = () => ({ body: { access_token: 'ya29.x', expires_in: 0 } });
    bench.stub.answer = () => ({ body: profile });
    const { gmail } = (await bench.open()).account('a1');
    await gmail.profile();
    await gmail.profile();
    expect(bench.stub.refreshes).toHaveLength(2);
  });

  test('forgetting an account deletes its token in the process and in Redis', async () => {
    bench.stub.answer = () => ({ body: profile });
    const google = await bench.open();
    await google.account('a1').gmail.profile();
    await google.forgetToken('a1');
    expect(
      await bench.redis.client.get(`${bench.prefix}:{account:a1}:default:access-token`),
    ).toBeNull();
    await google.account('a1').gmail.profile();
    expect(bench.stub.refreshes).toHaveLength(2);
  });

  test('revoking ends the grant at Google, and succeeds for an invalid grant', async () => {
    const google = await bench.open();
    bench.stub.answer = () => ({ body: {} });
    expect(await google.revoke('a1')).toBe('revoked');
    expect(bench.stub.seen).toMatchObject([
      { verb: 'POST', path: '/revoke', body: 'token=1%2F%2Fa1' },
    ]);
    bench.stub.answer = () => ({ status: 400, body: { error: 'invalid_token' } });
    expect(await google.revoke('a1')).toBe('already-gone');
    bench.tokens.current.set('a2', null);
    expect(await google.revoke('a2')).toBe('already-gone');
    bench.stub.answer = () => ({ status: 503, body: '' });
    expect(await detailOf(google.revoke('a1'))).toEqual({
      kind: 'unavailable',
      retryAfterMs: null,
    });
  });
});

describe('quota', () => {
  test('a call that exceeds the quota is refused with its delay, and no request is made', async () => {
    bench.stub.answer = () => ({ body: { items: [] } });
    const google = await bench.open({ quotas: { ...QUOTAS, calendarRequestsPerUserMinute: 1 } });
    const { calendar } = google.account('a1');
    await calendar.calendars({ syncToken: null, pageToken: null });
    const detail = await detailOf(calendar.calendars({ syncToken: null, pageToken: null }));
    expect(detail).toMatchObject({ kind: 'rate-limited', scope: 'user', source: 'governor' });
    expect(detail.kind === 'rate-limited' && detail.retryAfterMs).toBeGreaterThan(55_000);
    expect(bench.stub.seen).toHaveLength(1);
    expect((await google.quotaUsage(['a1'])).calendar.users.a1).toMatchObject({
      used: 1,
      limit: 1,
    });
  });

  test('a refusal by Google closes the quota window for the whole fleet', async () => {
    bench.stub.answer = () => ({ status: 403, body: refusal(403, 'userRateLimitExceeded') });
    const [one, two] = [await bench.open(), await bench.open()];
    expect(await detailOf(one.account('a1').gmail.profile())).toMatchObject({
      kind: 'rate-limited',
      source: 'google',
      retryAfterMs: 15_000,
    });
    expect(await detailOf(two.account('a1').gmail.profile())).toMatchObject({
      kind: 'rate-limited',
      source: 'governor',
      scope: 'closed',
    });
    expect(bench.stub.seen).toHaveLength(1);
  });

  test("over the day's budget the bulk lane is delayed and live work continues", async () => {
    bench.stub.answer = () => ({ body: profile });
    const google = await bench.open({ quotas: { ...QUOTAS, gmailUnitsPerProjectDay: 2 } });
    const bulk = google.account('a1', { lane: 'bulk' }).gmail;
    await bulk.profile();
    const detail = await detailOf(bulk.profile());
    expect(detail).toMatchObject({ kind: 'rate-limited', scope: 'day', source: 'governor' });
    await google.account('a1').gmail.profile();
    await google.account('a2').gmail.profile();
    expect((await google.quotaUsage([])).gmail.day.used).toBe(3);
  });

  test('accounts of one mailbox share its quota window', async () => {
    bench.stub.answer = () => ({ body: { items: [] } });
    const google = await bench.open({ quotas: { ...QUOTAS, calendarRequestsPerUserMinute: 1 } });
    await google
      .account('a1', { lane: 'live', quotaUser: 'm' })
      .calendar.calendars({ syncToken: null, pageToken: null });
    expect(
      await detailOf(
        google
          .account('a2', { lane: 'live', quotaUser: 'm' })
          .calendar.calendars({ syncToken: null, pageToken: null }),
      ),
    ).toMatchObject({ kind: 'rate-limited' });
    await google.account('a2').calendar.calendars({ syncToken: null, pageToken: null });
    expect(bench.stub.seen).toHaveLength(2);
  });

  test('without Redis no uncharged request is made', async () => {
    bench.stub.answer = () => ({ body: profile });
    const { gmail } = (await bench.open({ redisUrl: 'redis://127.0.0.1:1' })).account('a1');
    expect(await detailOf(gmail.profile())).toEqual({
      kind: 'rate-limited',
      scope: 'project',
      retryAfterMs: 1_000,
      source: 'governor',
    });
    expect(bench.stub.seen).toHaveLength(0);
  });
});
