import { randomUUID } from 'node:crypto';
import { SCOPES } from '@syncline/contract/scopes';
import type { Canaries } from './canaries.js';

/*
 * Requests to the HTTP API whose keys, grants, addresses and values are canaries: those
 * that succeed, and one of each kind that is refused.
 */

export interface CanaryRequests {
  /** Of the API's public listener. */
  origin: string;
  canaries: Canaries;
  /** A key of every scope. */
  key: string;
  /** The address of an account that is connected, if Google gives no answer about its grant. */
  joiner: string;
  /** The id of an account. */
  account: string;
  /** A message of it, and one of its attachments. */
  file: { message: string; part: string };
}

/**
 * Keys that answers contain become canaries too.
 * @returns the answers that must contain no canary: refusals, and what the engine itself tells
 */
export async function sendCanaryRequests(o: CanaryRequests): Promise<string[]> {
  for (const key of [o.key, ...(await makeKeys(o))]) addKey(o.canaries, key);
  await readMirror(o);
  return [...(await connect(o)), ...(await refused(o)), ...(await engineAnswers(o))];
}

/** A key, and its part behind the id, which the database and logs may have. */
function addKey(canaries: Canaries, key: string): void {
  canaries.alsoSecret(key);
  canaries.alsoSecret(key.split('_').at(-1) ?? key);
}

async function makeKeys(o: CanaryRequests): Promise<string[]> {
  const body = { name: 'made over HTTP', scopes: SCOPES };
  const again = { 'idempotency-key': randomUUID() };
  const made = await Promise.all([
    send(o, 'POST', '/v1/api-keys', { body }),
    send(o, 'POST', '/v1/api-keys', { body, headers: again }),
  ]);
  const repeated = await send(o, 'POST', '/v1/api-keys', { body, headers: again });
  const keys = [...made, repeated].map(
    ({ text }) => JSON.parse(text) as { id: string; key: string },
  );
  expect(keys[2]).toEqual(keys[1]);
  const rotated = await send(o, 'POST', `/v1/api-keys/${keys[0]?.id}/rotate`, {
    body: { overlapSeconds: 60 },
  });
  expect(rotated.status).toBe(201);
  return [...keys, JSON.parse(rotated.text) as { key: string }].map(({ key }) => key);
}

/** Answers with what the mirror has: they are read, and not searched. */
async function readMirror(o: CanaryRequests): Promise<void> {
  const { personal } = o.canaries;
  for (const path of [
    `messages?from=${personal('from')}@corp.example&label=${personal('label')}`,
    'messages?include=text,html,resource&limit=100&freshWithin=0s',
    `messages/${o.file.message}?include=text,html,resource`,
    `messages/${o.file.message}/source`,
    `messages/${o.file.message}/attachments/${o.file.part}`,
    'threads',
    'labels',
    'calendars',
    'calendars/primary/events',
    'instances?timeMin=2026-01-01T00:00:00Z&timeMax=2026-12-31T00:00:00Z',
    'contacts',
  ]) {
    const { status } = await send(o, 'GET', `/v1/accounts/${o.account}/${path}`);
    expect([path, status]).toEqual([path, 200]);
  }
}

async function connect(o: CanaryRequests): Promise<string[]> {
  const { personal, secret } = o.canaries;
  const line = { email: o.joiner, refreshToken: secret('grant') };
  const ndjson = { 'content-type': 'application/x-ndjson' };
  const asked = await send(o, 'POST', '/v1/accounts', { body: line });
  expect([201, 422]).toContain(asked.status);
  const refusals = [
    await send(o, 'POST', '/v1/accounts', {
      body: { ...line, unknownField: secret('value') },
    }),
    await send(o, 'POST', '/v1/accounts', { body: `{"email": "${personal('cut')}` }),
  ];
  expect(refusals.map(({ status }) => status)).toEqual([400, 400]);
  const lines = await send(o, 'POST', '/v1/accounts', {
    body: `${JSON.stringify(line)}\n{"email":"${personal('cut')}\n`,
    headers: ndjson,
  });
  return [asked, ...refusals, lines].map(({ text }) =>
    text.replaceAll(line.email, '[own address]'),
  );
}

async function refused(o: CanaryRequests): Promise<string[]> {
  const { personal, secret } = o.canaries;
  const lists = `/v1/accounts/${o.account}`;
  const asked: [string, string, SendOptions?][] = [
    ['GET', '/v1/accounts', { headers: { authorization: `Bearer ${secret('bearer')}` } }],
    ['GET', '/v1/accounts', { headers: { authorization: `Bearer ${o.key}x` } }],
    ['GET', '/v1/accounts', { headers: { authorization: `Basic ${secret('basic')}` } }],
    ['GET', `/v1/accounts?key=${o.key}`, { headers: { authorization: '' } }],
    ['GET', `/v1/accounts?key=${o.key}`],
    ['GET', `/v1/accounts/${personal('id')}`],
    ['GET', `${lists}/messages?unknown=${secret('value')}`],
    ['GET', `${lists}/messages?cursor=${personal('cursor')}`],
    ['GET', `${lists}/messages/${personal('message')}`],
    ['GET', `${lists}/messages?after=${personal('time')}`],
    ['GET', `${lists}/changes?after=1&epoch=${personal('epoch')}`],
    ['GET', `/v1/operations/${personal('operation')}`],
    ['POST', `${lists}/sync`, { body: { unknownField: personal('value') } }],
    ['POST', `/v1/api-keys/${personal('key')}/rotate`, { body: { overlapSeconds: 1 } }],
    ['PATCH', lists, { body: `{"paused": ${personal('value')}` }],
  ];
  const answers = [];
  for (const [method, path, options] of asked) answers.push(await send(o, method, path, options));
  expect(answers.filter(({ status }) => status < 400 || status >= 500)).toEqual([]);
  return answers.map(({ text }) => text);
}

/** What the engine tells of an account and of itself. */
async function engineAnswers(o: CanaryRequests): Promise<string[]> {
  const answers = [];
  for (const path of [
    `/v1/accounts/${o.account}/changes?limit=1000`,
    '/v1/changes?limit=1000',
    '/v1/api-keys',
    '/v1/quota',
  ]) {
    const { status, text } = await send(o, 'GET', path);
    expect([path, status]).toEqual([path, 200]);
    answers.push(text);
  }
  return answers;
}

interface SendOptions {
  /** Sent as JSON, unless it is a text. */
  body?: object | string;
  headers?: Record<string, string>;
}

async function send(
  { origin, key }: CanaryRequests,
  method: string,
  path: string,
  { body, headers }: SendOptions = {},
): Promise<{ status: number; text: string }> {
  const answer = await fetch(origin + path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body: typeof body === 'object' ? JSON.stringify(body) : (body ?? null),
  });
  return { status: answer.status, text: await answer.text() };
}
