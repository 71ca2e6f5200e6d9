import { Client, tokenRequest, type Json } from '../../test-support/client.js';
import { startSimulator, type Simulator } from '../simulator.js';

const ME = '/gmail/v1/users/me';
let simulator: Simulator;
let client: Client;
let email: string;

beforeAll(async () => {
  simulator = await startSimulator({ accounts: 1, messagesPerAccount: 230, quota: { scale: 100 } });
  email = simulator.accounts()[0]!.email;
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
});
afterAll(() => simulator.close());

async function allIds(query: string): Promise<string[]> {
  const ids: string[] = [];
  let page = (await client.get(`${ME}/messages?${query}`)).json;
  for (;;) {
    ids.push(...(page.messages ?? []).map((message: { id: string }) => message.id));
    if (page.nextPageToken === undefined) return ids;
    page = (await client.get(`${ME}/messages?pageToken=${page.nextPageToken}`)).json;
  }
}

const truth = (): ReturnType<Simulator['gmailTruth']> => simulator.gmailTruth(email);

describe('messages.list', () => {
  test('returns ids and thread ids, newest first; a page token contains the query', async () => {
    const first = (await client.get(`${ME}/messages?maxResults=50&includeSpamTrash=true`)).json;
    expect(Object.keys(first)).toEqual(['messages', 'nextPageToken', 'resultSizeEstimate']);
    expect(Object.keys(first.messages[0])).toEqual(['id', 'threadId']);
    expect(first.nextPageToken).toMatch(/^\d{20}$/);
    const ids = await allIds('maxResults=50&includeSpamTrash=true');
    const byDate = truth()
      .sort((a, b) => Number(b.internalDate) - Number(a.internalDate) || (a.id < b.id ? 1 : -1))
      .map((message) => message.id);
    expect(ids).toEqual(byDate);
  });

  test('omits spam and trash unless they are requested', async () => {
    const without = truth()
      .filter(
        (message) => !message.labelIds.includes('SPAM') && !message.labelIds.includes('TRASH'),
      )
      .map((message) => message.id);
    expect((await allIds('maxResults=100')).sort()).toEqual(without.sort());
    const trashed = truth()
      .filter((message) => message.labelIds.includes('TRASH'))
      .map((message) => message.id);
    expect((await allIds('q=in%3Atrash')).sort()).toEqual(trashed.sort());
  });

  test('label ids are combined by AND', async () => {
    const asked = truth()
      .filter(
        (message) =>
          message.labelIds.includes('INBOX') &&
          message.labelIds.includes('UNREAD') &&
          !message.labelIds.includes('TRASH'),
      )
      .map((message) => message.id);
    expect(asked.length).toBeGreaterThan(0);
    expect((await allIds('labelIds=INBOX&labelIds=UNREAD')).sort()).toEqual(asked.sort());
  });

  test('pages default to 100 and are clamped to 500', async () => {
    expect((await client.get(`${ME}/messages?includeSpamTrash=true`)).json.messages).toHaveLength(
      100,
    );
    expect(
      (await client.get(`${ME}/messages?includeSpamTrash=true&maxResults=5000`)).json.messages,
    ).toHaveLength(230);
  });

  test('an empty result has no messages key', async () => {
    expect((await client.get(`${ME}/messages?q=rfc822msgid:nobody@nowhere`)).json).toEqual({
      resultSizeEstimate: 0,
    });
  });

  test('a mail that arrives between two pages neither repeats nor hides another', async () => {
    const before = await allIds('maxResults=500&includeSpamTrash=true');
    const first = (await client.get(`${ME}/messages?maxResults=20&includeSpamTrash=true`)).json;
    simulator.act(email, { action: 'deliver' });
    simulator.act(email, { action: 'delete', messageId: first.messages[19].id });
    const second = (await client.get(`${ME}/messages?pageToken=${first.nextPageToken}`)).json;
    expect(second.messages.map((message: { id: string }) => message.id)).toEqual(
      before.slice(20, 40),
    );
  });

  test('searches by date, label, words and Message-ID, and negates', async () => {
    const some = truth().find(
      (message) => message.messageId !== null && message.labelIds.includes('INBOX'),
    )!;
    expect(await allIds(`q=${encodeURIComponent(`rfc822msgid:${some.messageId}`)}`)).toEqual([
      some.id,
    ]);
    const dayBefore = Math.floor(Number(some.internalDate) / 1_000);
    const after = await allIds(`includeSpamTrash=true&q=after:${dayBefore}`);
    expect(after).toContain(some.id);
    const read = await allIds(
      `includeSpamTrash=true&q=${encodeURIComponent('-label:unread in:inbox')}`,
    );
    expect(read.sort()).toEqual(
      truth()
        .filter(
          (message) => message.labelIds.includes('INBOX') && !message.labelIds.includes('UNREAD'),
        )
        .map((message) => message.id)
        .sort(),
    );
    expect(
      (await client.get(`${ME}/messages?q=-in:chats&maxResults=1&includeSpamTrash=true`)).json
        .messages,
    ).toHaveLength(1);
  });

  test.each([
    ['pageToken=1', 'Invalid pageToken'],
    ['labelIds=Nope', 'Invalid label: Nope'],
    ['maxResults=many', 'Invalid value for maxResults: many'],
  ])('%s gives 400', async (query, message) => {
    const answer = await client.get(`${ME}/messages?${query}`);
    expect([answer.status, answer.json.error.message, answer.json.error.status]).toEqual([
      400,
      message,
      'INVALID_ARGUMENT',
    ]);
  });
});

describe('messages.get', () => {
  test("format full has keys in Gmail's order and padded base64url data", async () => {
    const message = truth().find(
      (one) =>
        one.attachments.length > 0 &&
        one.text !== null &&
        one.labelIds.length > 0 &&
        one.sizeEstimate !== null,
    )!;
    const { json } = await client.get(`${ME}/messages/${message.id}`);
    expect(Object.keys(json)).toEqual([
      'id',
      'threadId',
      'labelIds',
      'snippet',
      'payload',
      'sizeEstimate',
      'historyId',
      'internalDate',
    ]);
    expect(json.payload.partId).toBe('');
    const leaves: Json[] = [];
    const visit = (part: Json): void => {
      if (part.parts) part.parts.forEach(visit);
      else leaves.push(part);
    };
    visit(json.payload);
    for (const leaf of leaves.filter((part) => part.body.data)) {
      expect(leaf.body.data).toMatch(/^[\w-]*={0,2}$/);
      expect([leaf.body.data.length % 4, Buffer.from(leaf.body.data, 'base64url').length]).toEqual([
        0,
        leaf.body.size,
      ]);
    }
  });

  test('every message equals its stored data', async () => {
    for (const message of truth().slice(0, 60)) {
      const { json } = await client.get(`${ME}/messages/${message.id}?prettyPrint=false`);
      expect([
        json.snippet,
        json.sizeEstimate ?? null,
        json.internalDate,
        ((json.labelIds as string[] | undefined) ?? []).toSorted(),
      ]).toEqual([message.snippet, message.sizeEstimate, message.internalDate, message.labelIds]);
      const ids: string[] = [];
      const visit = (part: Json): void => {
        const isText = /^(?:text\/(?:plain|html)|multipart\/.*|message\/rfc822)$/.test(
          part.mimeType,
        );
        if (part.body.attachmentId || !isText) ids.push(part.partId);
        (part.parts ?? []).forEach(visit);
      };
      visit(json.payload);
      expect(ids).toEqual(message.attachments.map((attachment) => attachment.partId));
    }
  });

  test('format raw is the mail, and sizeEstimate its length', async () => {
    const message = truth().find((one) => one.sizeEstimate !== null)!;
    const { json } = await client.get(`${ME}/messages/${message.id}?format=raw`);
    const raw = Buffer.from(json.raw, 'base64url');
    expect([json.raw.length % 4, raw.length, 'payload' in json]).toEqual([
      0,
      message.sizeEstimate,
      false,
    ]);
    expect(raw.toString('latin1')).toContain(message.messageId);
  });

  test('format metadata has headers filtered by name; minimal has no payload', async () => {
    const { id } = truth()[0]!;
    const metadata = (
      await client.get(
        `${ME}/messages/${id}?format=metadata&metadataHeaders=subject&metadataHeaders=FROM`,
      )
    ).json;
    expect(Object.keys(metadata.payload)).toEqual(['mimeType', 'headers']);
    expect(
      new Set(metadata.payload.headers.map((header: { name: string }) => header.name)),
    ).toEqual(new Set(['From', 'Subject']));
    expect('payload' in (await client.get(`${ME}/messages/${id}?format=minimal`)).json).toBe(false);
  });

  test('attachment ids differ at each read, and earlier ones remain valid', async () => {
    const message = truth().find((one) => one.attachments.length > 0)!;
    const idIn = (part: Json): string | undefined =>
      part.body.attachmentId ??
      (part.parts ?? []).map(idIn).find((id: string | undefined) => id !== undefined);
    const read = async (): Promise<string> =>
      idIn((await client.get(`${ME}/messages/${message.id}`)).json.payload)!;
    const [first, second] = [await read(), await read()];
    expect(first).not.toBe(second);
    const answers = await Promise.all(
      [first, second].map((id) => client.get(`${ME}/messages/${message.id}/attachments/${id}`)),
    );
    expect(answers[0]?.json).toEqual(answers[1]?.json);
    expect(Buffer.from(answers[0]!.json.data, 'base64url').length).toBe(
      message.attachments[0]?.size,
    );
    expect((await client.get(`${ME}/messages/${message.id}/attachments/nonsense`)).status).toBe(
      400,
    );
  });

  test('drafts have no sizeEstimate, messages without labels no labelIds', async () => {
    const draft = simulator.act(email, { action: 'draft-save', subject: 'not yet' });
    const bare = simulator.act(email, { action: 'deliver', labelIds: [], subject: 'archived' });
    expect('sizeEstimate' in (await client.get(`${ME}/messages/${draft.messageId}`)).json).toBe(
      false,
    );
    expect('labelIds' in (await client.get(`${ME}/messages/${bare.messageId}`)).json).toBe(false);
    expect((await client.get(`${ME}/drafts/${draft.draftId}`)).json).toMatchObject({
      id: draft.draftId,
      message: { id: draft.messageId },
    });
  });

  test('fields selects, prettyPrint=false is compact, and a malformed selector gives 400', async () => {
    const { id } = truth()[0]!;
    expect(
      (await client.get(`${ME}/messages/${id}?fields=id,payload/headers/name&prettyPrint=false`))
        .text,
    ).toMatch(/^\{"id":"[0-9a-f]{16}","payload":\{"headers":\[\{"name":"[\w-]+"\},/);
    expect((await client.get(`${ME}/messages/${id}`)).text).toContain('{\n  "id": "');
    for (const fields of ['id,', 'nonsense', 'payload/nonsense'])
      expect((await client.get(`${ME}/messages/${id}?fields=${fields}`)).status).toBe(400);
  });

  test('a missing message gives 404 with the recorded body, a malformed id 400', async () => {
    const missing = await client.get(`${ME}/messages/00000000deadbeef`);
    const message = 'Requested entity was not found.';
    expect([missing.status, missing.json]).toEqual([
      404,
      {
        error: {
          code: 404,
          message,
          errors: [{ message, domain: 'global', reason: 'notFound' }],
          status: 'NOT_FOUND',
        },
      },
    ]);
    expect((await client.get(`${ME}/messages/not-an-id`)).status).toBe(400);
    expect((await client.get(`${ME}/messages/${truth()[0]!.id}?format=everything`)).status).toBe(
      400,
    );
  });
});

describe('history.list', () => {
  const now = async (): Promise<string> => (await client.get(`${ME}/profile`)).json.historyId;

  test('without changes there is no history key', async () => {
    const historyId = await now();
    expect((await client.get(`${ME}/history?startHistoryId=${historyId}`)).json).toEqual({
      historyId,
    });
  });

  test('lists the changes in order, with the current labels', async () => {
    const start = await now();
    const { messageId } = simulator.act(email, {
      action: 'deliver',
      labelIds: ['INBOX', 'UNREAD'],
    });
    simulator.act(email, { action: 'unlabel', messageId: messageId!, labelIds: ['UNREAD'] });
    simulator.act(email, { action: 'trash', messageId: messageId! });
    simulator.act(email, { action: 'delete', messageId: messageId! });
    const { json } = await client.get(`${ME}/history?startHistoryId=${start}`);
    expect(json.history.map((record: object) => Object.keys(record).slice(2))).toEqual([
      ['messagesAdded'],
      ['labelsRemoved'],
      ['labelsAdded', 'labelsRemoved'],
      ['messagesDeleted'],
    ]);
    expect(json.history[1].labelsRemoved).toEqual([
      {
        message: {
          id: messageId,
          threadId: json.history[0].messages[0].threadId,
          labelIds: ['TRASH'],
        },
        labelIds: ['UNREAD'],
      },
    ]);
    expect(json.historyId).toBe(json.history[3].id);
  });

  test('types are filtered by their singular names; plural names match nothing', async () => {
    const start = await now();
    const { messageId } = simulator.act(email, { action: 'deliver', labelIds: ['INBOX'] });
    simulator.act(email, { action: 'label', messageId: messageId!, labelIds: ['STARRED'] });
    const filtered = async (type: string): Promise<number> =>
      (
        (await client.get(`${ME}/history?startHistoryId=${start}&historyTypes=${type}`)).json
          .history ?? []
      ).length;
    expect([
      await filtered('messageAdded'),
      await filtered('labelAdded'),
      await filtered('messagesAdded'),
    ]).toEqual([1, 1, 0]);
    expect(
      (await client.get(`${ME}/history?startHistoryId=${start}&labelId=STARRED`)).json.history,
    ).toHaveLength(2);
    expect(
      (await client.get(`${ME}/history?startHistoryId=${start}&labelId=SENT`)).json.history,
    ).toBeUndefined();
  });

  test('pages are stable while the mailbox changes, and each names the newest record', async () => {
    const start = await now();
    for (let n = 0; n < 7; n++) simulator.act(email, { action: 'deliver' });
    const first = (await client.get(`${ME}/history?startHistoryId=${start}&maxResults=3`)).json;
    simulator.act(email, { action: 'deliver' });
    const second = (await client.get(`${ME}/history?pageToken=${first.nextPageToken}`)).json;
    const again = (
      await client.get(`${ME}/history?pageToken=${first.nextPageToken}&startHistoryId=${start}`)
    ).json;
    const third = (await client.get(`${ME}/history?pageToken=${second.nextPageToken}`)).json;
    const { nextPageToken: one, ...secondPage } = second;
    const { nextPageToken: two, ...againPage } = again;
    expect([again.history, one === two, againPage]).toEqual([second.history, false, secondPage]);
    expect([first, second, third].map((page) => page.history.length)).toEqual([3, 3, 2]);
    expect([third.nextPageToken, second.historyId]).toEqual([undefined, await now()]);
  });

  test('an expired start id gives 404, a malformed or missing one 400', async () => {
    const status = async (query: string): Promise<number> =>
      (await client.get(`${ME}/history?${query}`)).status;
    expect([
      await status('startHistoryId=0'),
      await status('startHistoryId=abc'),
      await status('startHistoryId=99999999999999999999'),
      await status(''),
    ]).toEqual([404, 400, 400, 400]);
    const start = await now();
    simulator.faults.add({ kind: 'expire-history', email });
    expect([
      await status(`startHistoryId=${start}`),
      await status(`startHistoryId=${await now()}`),
    ]).toEqual([404, 200]);
  });
});

describe('labels, threads and profile', () => {
  test('every label of any message is in labels.list, without counters; labels.get has them', async () => {
    const { labels } = (await client.get(`${ME}/labels`)).json;
    const known = new Set(labels.map((label: { id: string }) => label.id));
    expect(
      truth()
        .flatMap((message) => message.labelIds)
        .filter((id) => !known.has(id)),
    ).toEqual([]);
    expect(labels.some((label: object) => 'messagesTotal' in label)).toBe(false);
    const inbox = (await client.get(`${ME}/labels/INBOX`)).json;
    expect(inbox.messagesTotal).toBe(
      truth().filter((message) => message.labelIds.includes('INBOX')).length,
    );
  });

  test('threads have the messages that name them, and do not support format raw', async () => {
    const threads = new Map<string, string[]>();
    for (const message of truth())
      threads.set(message.threadId, [...(threads.get(message.threadId) ?? []), message.id]);
    const [threadId, ids] = [...threads].find(([, members]) => members.length > 2)!;
    const { json } = await client.get(`${ME}/threads/${threadId}`);
    expect(json.messages.map((message: { id: string }) => message.id).sort()).toEqual(ids.sort());
    const withoutIds = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value, (name, inner: unknown) => (name === 'attachmentId' ? '' : inner)),
      );
    expect(
      withoutIds((await client.get(`${ME}/threads/${threadId}?prettyPrint=false`)).json),
    ).toEqual(withoutIds(json));
    expect((await client.get(`${ME}/threads/${threadId}?format=raw`)).status).toBe(400);
    const list = (await client.get(`${ME}/threads?maxResults=500&includeSpamTrash=true`)).json
      .threads;
    expect(list.map((thread: { id: string }) => thread.id).sort()).toEqual(
      [...threads.keys()].sort(),
    );
  });

  test('the profile has the counts', async () => {
    expect((await client.get(`${ME}/profile`)).json).toMatchObject({
      emailAddress: email,
      messagesTotal: truth().length,
      threadsTotal: new Set(truth().map((message) => message.threadId)).size,
    });
  });
});

describe('authorization', () => {
  test('unknown and expired tokens give 401, other mailboxes 403', async () => {
    const body = (await new Client(simulator.url, 'nobody').get(`${ME}/profile`)).json;
    expect(body.error).toMatchObject({
      code: 401,
      status: 'UNAUTHENTICATED',
      errors: [{ reason: 'authError' }],
    });
    expect((await client.get('/gmail/v1/users/other%40demo.example/profile')).status).toBe(403);
    expect((await client.get(`/gmail/v1/users/${encodeURIComponent(email)}/profile`)).status).toBe(
      200,
    );
  });

  test('a token request without a client gives 401, of another kind 400, with an unknown token invalid_grant', async () => {
    const { refreshToken } = simulator.accounts()[0]!;
    const answers = [
      await tokenRequest(simulator.url, refreshToken, { client_id: '' }),
      await tokenRequest(simulator.url, refreshToken, { grant_type: 'password' }),
      await tokenRequest(simulator.url, 'unknown'),
    ];
    expect(answers.map((answer) => [answer.status, answer.json.error])).toEqual([
      [401, 'invalid_client'],
      [400, 'unsupported_grant_type'],
      [400, 'invalid_grant'],
    ]);
  });
});
