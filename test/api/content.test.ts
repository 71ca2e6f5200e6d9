import { randomUUID } from 'node:crypto';
import { openGoogle, type GoogleErrorKind } from '@syncline/google';
import { openSlots } from '../../apps/api/src/v1/slots.js';
import { startApi, type ApiWorld } from '../support/api-world.js';
import { redisUrl } from '../support/database.js';
import { refusingGoogle } from '../support/refusing-google.js';
import { QUOTAS, startWorld, type World } from '../support/world.js';

/* Sources and attachments over HTTP: from the mirror, and from the simulator. */

let world: World;
let api: ApiWorld;
let key: string;
let account: string;
let messageId: string;
let source: Buffer;
let attachments: { partId: string; filename: string; mimeType: string; size: number }[];
/** What the next calls to Google are refused with. */
let refusal: GoogleErrorKind | null = null;
let asked: string[];

const PICTURE = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 256));
const FILES: [type: string, name: string, body: Buffer][] = [
  ['image/png', 'picture.png', PICTURE],
  ['text/html', 'page.html', Buffer.from('<script>alert(1)</script>')],
  ['image/svg+xml', '../../evil\u202egvs.svg', Buffer.from('<svg onload="alert(1)"/>')],
  ['application/x-made-up', 'Grüße 你好.bin', Buffer.from([0, 1, 255])],
  ['text/plain', '', Buffer.from('no name')],
];

function mail(to: string): string {
  const encoded = (name: string): string => `=?UTF-8?B?${Buffer.from(name).toString('base64')}?=`;
  const parts = FILES.map(
    ([type, name, body]) =>
      `--b\r\nContent-Type: ${type}\r\nContent-Disposition: attachment${name && `; filename="${encoded(name)}"`}\r\nContent-Transfer-Encoding: base64\r\n\r\n${body.toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`,
  );
  return `From: a@b.example\r\nTo: ${to}\r\nSubject: files\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee below.\r\n${parts.join('')}--b--\r\n`;
}

beforeAll(async () => {
  world = await startWorld({
    seed: 1_507,
    accounts: 1,
    messagesPerAccount: 3,
    resources: ['gmail'],
  });
  const [known] = await world.store.accounts.list();
  account = known!.id;
  source = Buffer.from(mail(known!.email));
  const delivered = await world.control.actAs(known!.email, {
    action: 'deliver',
    rawBase64: source.toString('base64'),
  });
  ({ messageId } = delivered as { messageId: string });
  await world.catchUp();
  const google = refusingGoogle(world.google, () => refusal);
  ({ asked } = google);
  api = await startApi({ on: world, google });
  key = await api.key();
  const { json } = await get(`messages/${messageId}`);
  ({ attachments } = json as { attachments: typeof attachments });
}, 120_000);
afterAll(async () => {
  await api.close();
  await world.close();
});
afterEach(() => {
  refusal = null;
});

const get = (path: string, headers = {}): ReturnType<ApiWorld['send']> =>
  api.send('GET', `/v1/accounts/${account}/${path}`, { key, headers });

/** Bytes as they come. */
async function bytes(path: string): Promise<{ answer: Response; body: Buffer }> {
  const answer = await fetch(`${api.origin}/v1/accounts/${account}/${path}`, {
    headers: { Authorization: `Bearer ${key}` },
  });
  return { answer, body: Buffer.from(await answer.arrayBuffer()) };
}

const pathOf = (at: number): string =>
  `messages/${messageId}/attachments/${encodeURIComponent(attachments[at]!.partId)}`;

test.each([
  [0, 'image/png', 'attachment; filename=picture.png'],
  [1, 'application/octet-stream', 'attachment; filename=page.html'],
  [2, 'application/octet-stream', 'attachment; filename=_.._evilgvs.svg'],
  [
    3,
    'application/octet-stream',
    `attachment; filename="Gr??e ??.bin"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%E4%BD%A0%E5%A5%BD.bin`,
  ],
  [4, 'text/plain', 'attachment; filename=attachment'],
])('attachment %d is given byte for byte, and as no page', async (at, type, disposition) => {
  const { answer, body } = await bytes(pathOf(at));
  expect(answer.status).toBe(200);
  expect(body).toEqual(FILES[at]![2]);
  const headers = Object.fromEntries(answer.headers);
  expect(headers).toMatchObject({
    'content-type': type,
    'content-disposition': disposition,
    'content-length': String(body.length),
    'content-security-policy': "sandbox; default-src 'none'",
    'x-content-type-options': 'nosniff',
    // A text without a name comes with the message itself.
    'syncline-quota-units': at === 4 ? '20' : '40',
  });
  expect(headers['cache-control']).toContain('no-store');
});

test('an attachment costs what the ledger says, in the live lane of the quota', async () => {
  const spent = async (): Promise<number> =>
    (await world.store.quota.todayOf(account)).reduce((sum, { units }) => sum + units, 0);
  const before = await spent();
  await bytes(pathOf(0));
  expect((await spent()) - before).toBe(40);
});

test('what the mirror does not have is not asked of Google', async () => {
  asked.length = 0;
  for (const path of [
    `messages/${messageId}/attachments/77`,
    'messages/unknown/attachments/1',
    'messages/unknown/source?fetch=true',
    `messages/${messageId}/attachments/%00`,
  ])
    expect([path, (await get(path)).status]).toEqual([path, 404]);
  expect(asked).toEqual([]);
});

test('a source that is not kept is a conflict, and comes from Google where that is asked for', async () => {
  expect(await get(`messages/${messageId}/source`)).toMatchObject({
    status: 409,
    json: { type: 'urn:syncline:problem:source-not-kept' },
  });
  const { answer, body } = await bytes(`messages/${messageId}/source?fetch=true`);
  expect(body).toEqual(source);
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'message/rfc822',
    'content-disposition': `attachment; filename=${messageId}.eml`,
    'syncline-quota-units': '20',
  });
});

test('a stored source is read in pieces, without Google', async () => {
  const stored = Buffer.from(Array.from({ length: 2_500_000 }, (_, i) => (i * 31) % 256));
  await world.database.pool.query(
    'INSERT INTO syncline.gmail_sources (account_id, message_id, source) VALUES ($1, $2, $3)',
    [account, messageId, stored],
  );
  asked.length = 0;
  const { answer, body } = await bytes(`messages/${messageId}/source?fetch=true`);
  expect(body.equals(stored)).toBe(true);
  expect(answer.headers.get('syncline-quota-units')).toBe('0');
  const head = await api.send('HEAD', `/v1/accounts/${account}/messages/${messageId}/source`, {
    key,
  });
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '2500000']);
  expect(asked).toEqual([]);
  await world.database.pool.query('DELETE FROM syncline.gmail_sources');
});

test.each<[GoogleErrorKind, number, string, string | null]>([
  [
    { kind: 'rate-limited', scope: 'user', retryAfterMs: 12_300, source: 'governor' },
    429,
    'quota-exhausted',
    '13',
  ],
  [{ kind: 'unavailable', retryAfterMs: null }, 503, 'google-unavailable', '5'],
  [{ kind: 'forbidden', reason: 'insufficientPermissions' }, 502, 'google-refused', null],
  [{ kind: 'rejected', status: 400, reason: 'failedPrecondition' }, 502, 'google-refused', null],
  [{ kind: 'unauthorized', reason: 'invalid_grant' }, 409, 'state-conflict', null],
  [{ kind: 'not-found' }, 404, 'not-found', null],
])(
  'a refusal of Google, or of our quota, is a problem: %j',
  async (kind, status, problem, retryAfter) => {
    refusal = kind;
    for (const path of [pathOf(0), `messages/${messageId}/source?fetch=true`]) {
      const answer = await get(path);
      expect(answer).toMatchObject({
        status,
        json: { type: `urn:syncline:problem:${problem}` },
      });
      expect(answer.headers.get('retry-after')).toBe(retryAfter);
    }
  },
);

test('a full window of the quota is a problem with its end, and what was spent before is in the ledger', async () => {
  const tight = await openGoogle(world.rt, {
    apiUrl: world.simulator.url,
    clientId: 'test',
    clientSecret: 'test',
    redisUrl: redisUrl(),
    // The message itself costs 20 units, and so do the bytes: enough for one attachment.
    quotas: { ...QUOTAS, gmailUnitsPerUserMinute: 40 },
    projects: [],
    tokens: world.store.vault,
    redisPrefix: `test-${randomUUID()}`,
    deployment: null,
  });
  const poor = await startApi({ on: world, google: tight });
  const spent = async (): Promise<number> =>
    (await world.store.quota.todayOf(account)).reduce((sum, { units }) => sum + units, 0);
  const before = await spent();
  const path = `/v1/accounts/${account}/${pathOf(0)}`;
  expect((await poor.send('GET', path, { key })).status).toBe(200);
  const answer = await poor.send('GET', path, { key });
  expect(answer).toMatchObject({
    status: 429,
    json: { type: 'urn:syncline:problem:quota-exhausted' },
  });
  const retryAfterS = Number(answer.headers.get('retry-after'));
  expect([retryAfterS > 0, retryAfterS <= 90]).toEqual([true, true]);
  expect((await spent()) - before).toBe(40);
  await poor.close();
  await tight.close();
});

test('50 MB are asked of Google, and a byte more is refused before', async () => {
  const { partId } = attachments[0]!;
  const setSize = (size: number): Promise<unknown> =>
    world.database.pool.query(
      'UPDATE syncline.gmail_attachments SET size = $1 WHERE message_id = $2 AND part_id = $3',
      [size, messageId, partId],
    );
  await setSize(52_428_800);
  expect((await bytes(pathOf(0))).answer.status).toBe(200);
  await setSize(52_428_801);
  asked.length = 0;
  expect(await get(pathOf(0))).toMatchObject({
    status: 422,
    json: { type: 'urn:syncline:problem:item-too-large' },
  });
  expect(asked).toEqual([]);
  await setSize(PICTURE.length);
});

test('more requests at once than slots are all answered, and every slot is given back', async () => {
  const { body } = await bytes(pathOf(0));
  for (let round = 0; round < 2; round++) {
    const all = await Promise.all(Array.from({ length: 12 }, () => bytes(pathOf(0))));
    expect(
      all.filter(({ answer, body: got }) => answer.status === 200 && got.equals(body)),
    ).toHaveLength(12);
    // HEAD fetches and sends nothing; a client that leaves takes nothing.
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        const leaving = new AbortController();
        const answer = await fetch(`${api.origin}/v1/accounts/${account}/${pathOf(0)}`, {
          method: 'HEAD',
          headers: { Authorization: `Bearer ${key}` },
          signal: leaving.signal,
        });
        leaving.abort();
        expect(answer.status).toBe(200);
      }),
    );
  }
}, 60_000);

test('a paused account, and a key without the scope, get nothing', async () => {
  const poor = await api.key({ scopes: ['mail:metadata'] });
  for (const path of [pathOf(0), `messages/${messageId}/source`])
    expect(await api.send('GET', `/v1/accounts/${account}/${path}`, { key: poor })).toMatchObject({
      status: 403,
      json: { scope: 'mail:content' },
    });
  await world.store.accounts.pause(account);
  for (const path of [pathOf(0), `messages/${messageId}/source?fetch=true`])
    expect((await get(path)).status).toBe(409);
  await world.store.accounts.resume(account);
});

test('without an OAuth client, or without a slot in time, the answer says when to try again', async () => {
  const without = await startApi({ on: world });
  const path = `/v1/accounts/${account}/${pathOf(0)}`;
  expect(await without.send('GET', path, { key })).toMatchObject({
    status: 503,
    json: { type: 'urn:syncline:problem:google-unavailable' },
  });
  await without.close();
  const slots = openSlots({ perProcess: 0, waitMs: 1 });
  const crowded = await startApi({ on: world, google: world.google, slots });
  const answer = await crowded.send('GET', path, { key });
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '5']);
  await crowded.close();
});
