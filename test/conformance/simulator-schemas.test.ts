/**
 * Every answer of the simulator against Google's discovery documents: no unknown field, int64 as
 * text, formats as declared. The documents are not part of this repository; DISCOVERY_DIR, or
 * `../shared/google-discovery` beside the checkout, says where they are. Without them the same full
 * sync is held to the shapes below, which are less strict and written by hand.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv, { type ValidateFunction } from 'ajv';
import { startSimulator, type Simulator, type SimulatorOptions } from '@syncline/simulator';
import {
  batchOf,
  Client,
  readBatch,
  type Json,
} from '../../packages/simulator/test-support/client.js';

const CHECKOUT = path.resolve(__dirname, '..', '..');
const DIRECTORY =
  process.env['DISCOVERY_DIR'] ?? path.resolve(CHECKOUT, '..', 'shared', 'google-discovery');
const CORPUS = path.resolve(CHECKOUT, '..', 'shared', 'corpus');
/** References need absolute ids. */
const BASE = 'https://discovery.example/';
const DOCUMENTS = existsSync(path.join(DIRECTORY, 'gmail-v1.json'));

interface DiscoverySchema {
  id?: string;
  type?: string;
  $ref?: string;
  format?: string;
  enum?: string[];
  items?: DiscoverySchema;
  properties?: Record<string, DiscoverySchema>;
  additionalProperties?: DiscoverySchema;
}

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true });
ajv.addFormat('int64', /^-?\d{1,19}$/);
ajv.addFormat('uint64', /^\d{1,20}$/);
ajv.addFormat('byte', /^[\w-]*={0,2}$/);
ajv.addFormat('date', /^\d{4}-\d\d-\d\d$/);
ajv.addFormat('google-datetime', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
for (const format of ['int32', 'uint32', 'double'])
  ajv.addFormat(format, { type: 'number', validate: Number.isFinite });

/** Discovery's dialect as JSON Schema; an object that declares its properties has no others. */
function jsonSchema(schema: DiscoverySchema, api: string): object {
  if (schema.$ref !== undefined) return { $ref: `${BASE}${api}/${schema.$ref}` };
  const { type, format, items, properties, additionalProperties } = schema;
  if (type === 'any' || type === undefined) return {};
  return {
    type,
    ...(format === undefined ? {} : { format }),
    ...(schema.enum === undefined ? {} : { enum: schema.enum }),
    ...(items === undefined ? {} : { items: jsonSchema(items, api) }),
    ...(properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(properties).map(([name, inner]) => [name, jsonSchema(inner, api)]),
          ),
        }),
    ...(type === 'object'
      ? {
          additionalProperties:
            additionalProperties === undefined ? false : jsonSchema(additionalProperties, api),
        }
      : {}),
  };
}

for (const [api, file] of [
  ['gmail', 'gmail-v1.json'],
  ['calendar', 'calendar-v3.json'],
  ['pubsub', 'pubsub-v1.json'],
] as const) {
  if (!DOCUMENTS) break;
  const document = JSON.parse(readFileSync(path.join(DIRECTORY, file), 'utf8')) as {
    schemas: Record<string, DiscoverySchema>;
  };
  for (const [name, schema] of Object.entries(document.schemas))
    ajv.addSchema({ $id: `${BASE}${api}/${name}`, ...jsonSchema(schema, api) });
}

/** What is checked without the documents: the fields that no client can do without. */
const REQUIRED: Record<string, string[]> = {
  'gmail/Profile': ['emailAddress', 'historyId'],
  'gmail/ListMessagesResponse': ['resultSizeEstimate'],
  'gmail/Message': ['id', 'threadId', 'historyId', 'internalDate'],
  'gmail/MessagePartBody': ['size', 'data'],
  'gmail/ListHistoryResponse': ['historyId'],
  'gmail/ListLabelsResponse': ['labels'],
  'gmail/Label': ['id', 'name', 'type'],
  'gmail/ListThreadsResponse': ['threads'],
  'gmail/Thread': ['id', 'messages'],
  'gmail/ListDraftsResponse': ['drafts'],
  'gmail/Draft': ['id', 'message'],
  'calendar/CalendarList': ['kind', 'items'],
  'calendar/CalendarListEntry': ['kind', 'id', 'accessRole'],
  'calendar/Events': ['kind', 'items'],
  'calendar/Event': ['kind', 'id', 'status'],
  'calendar/Channel': ['kind', 'id', 'resourceId', 'expiration'],
  'gmail/WatchResponse': ['historyId', 'expiration'],
  'pubsub/PullResponse': ['receivedMessages'],
};

function validatorOf(schema: string): ValidateFunction {
  if (!DOCUMENTS) return ajv.compile({ type: 'object', required: REQUIRED[schema] ?? ['never'] });
  const validate = ajv.getSchema(`${BASE}${schema}`);
  if (validate === undefined) throw new Error(`no schema ${schema}`);
  return validate;
}

function check(schema: string, value: unknown, what: string): void {
  const validate = validatorOf(schema);
  if (!validate(value))
    throw new Error(`${what} is no ${schema}: ${ajv.errorsText(validate.errors)}`);
  checked += 1;
}

let checked = 0;
let simulator: Simulator;
let client: Client;

async function open(options: SimulatorOptions): Promise<void> {
  simulator = await startSimulator({ quota: { enforce: false }, ...options });
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
  checked = 0;
}
afterEach(() => simulator.close());

const ME = '/gmail/v1/users/me';

async function checked200(schema: string, address: string): Promise<Json> {
  const answer = await client.get(address);
  expect([address, answer.status]).toEqual([address, 200]);
  check(schema, answer.json, address);
  return answer.json;
}

async function everyMessage(formats: readonly string[]): Promise<void> {
  const { messages } = await checked200(
    'gmail/ListMessagesResponse',
    `${ME}/messages?maxResults=500&includeSpamTrash=true`,
  );
  const paths = messages.flatMap(({ id }: { id: string }) =>
    formats.map((format) => `${ME}/messages/${id}?format=${format}&prettyPrint=false`),
  );
  for (let from = 0; from < paths.length; from += 50) {
    for (const part of readBatch(
      await client.batch(
        batchOf(paths.slice(from, from + 50)),
        'multipart/mixed; boundary=frontier',
      ),
    )) {
      expect(part.status).toBe(200);
      check('gmail/Message', part.json, `a message (${part.json.id})`);
    }
  }
}

async function everyEvent(): Promise<void> {
  const list = await checked200(
    'calendar/CalendarList',
    '/calendar/v3/users/me/calendarList?showDeleted=true',
  );
  for (const { id } of list.items.filter((entry: { deleted?: true }) => entry.deleted !== true)) {
    const address = `/calendar/v3/calendars/${encodeURIComponent(id)}/events`;
    const { items } = await checked200(
      'calendar/Events',
      `${address}?maxResults=2500&showDeleted=true`,
    );
    await checked200('calendar/Events', `${address}?maxResults=2500&singleEvents=true`);
    for (const event of items.slice(0, 25))
      await checked200('calendar/Event', `${address}/${event.id}`);
    const series = items.find(
      (event: { recurrence?: string[]; status: string }) =>
        event.recurrence !== undefined && event.status !== 'cancelled',
    );
    if (series !== undefined)
      await checked200('calendar/Events', `${address}/${series.id}/instances?maxResults=20`);
    await checked200(
      'calendar/CalendarListEntry',
      `/calendar/v3/users/me/calendarList/${encodeURIComponent(id)}`,
    );
  }
}

test('a generated world, and what happens in it', async () => {
  await open({ accounts: 1, messagesPerAccount: 150 });
  const { historyId } = await checked200('gmail/Profile', `${ME}/profile`);
  const { nextSyncToken: listToken } = await checked200(
    'calendar/CalendarList',
    '/calendar/v3/users/me/calendarList',
  );
  const { nextSyncToken } = await checked200(
    'calendar/Events',
    '/calendar/v3/calendars/primary/events?maxResults=2500',
  );
  simulator.actAtRandom(400);
  await checked200(
    'gmail/ListHistoryResponse',
    `${ME}/history?startHistoryId=${historyId}&maxResults=500`,
  );
  await checked200(
    'calendar/CalendarList',
    `/calendar/v3/users/me/calendarList?syncToken=${encodeURIComponent(listToken)}`,
  );
  await checked200(
    'calendar/Events',
    `/calendar/v3/calendars/primary/events?maxResults=2500&syncToken=${encodeURIComponent(nextSyncToken)}`,
  );
  await everyMessage(['full', 'metadata', 'minimal', 'raw']);
  await everyEvent();
  const { labels } = await checked200('gmail/ListLabelsResponse', `${ME}/labels`);
  for (const { id } of labels) await checked200('gmail/Label', `${ME}/labels/${id}`);
  const { threads } = await checked200('gmail/ListThreadsResponse', `${ME}/threads?maxResults=10`);
  for (const { id } of threads) await checked200('gmail/Thread', `${ME}/threads/${id}`);
  const { drafts } = await checked200('gmail/ListDraftsResponse', `${ME}/drafts`);
  for (const { id } of drafts) await checked200('gmail/Draft', `${ME}/drafts/${id}?format=full`);
  const attached = simulator
    .gmailTruth('user1@demo.example')
    .find((message) => message.attachments.length > 0)!;
  const idIn = (part: Json): string | undefined =>
    part.body.attachmentId ??
    (part.parts ?? []).map(idIn).find((id: string | undefined) => id !== undefined);
  const { payload } = await checked200('gmail/Message', `${ME}/messages/${attached.id}`);
  await checked200(
    'gmail/MessagePartBody',
    `${ME}/messages/${attached.id}/attachments/${idIn(payload)}`,
  );
  expect(checked).toBeGreaterThan(700);
});

test('what begins and carries notifications', async () => {
  await open({ accounts: 1, messagesPerAccount: 1 });
  const topic = 'projects/demo/topics/gmail';
  const subscription = 'projects/demo/subscriptions/gmail';
  simulator.pubsub.subscribe({ name: subscription, topic });
  const post = async (
    schema: string,
    address: string,
    body: object,
    by = client,
  ): Promise<Json> => {
    const answer = await by.post(address, body);
    expect([address, answer.status]).toEqual([address, 200]);
    check(schema, answer.json, address);
    return answer.json;
  };
  const channel = (id: string): object => ({
    id,
    type: 'web_hook',
    address: 'http://127.0.0.1:9/',
    token: 'secret',
  });
  await post('calendar/Channel', '/calendar/v3/calendars/primary/events/watch', channel('one'));
  await post('calendar/Channel', '/calendar/v3/users/me/calendarList/watch', channel('two'));
  await post('gmail/WatchResponse', `${ME}/watch`, { topicName: topic });
  const puller = await Client.signIn(
    simulator.url,
    simulator.consent('user1@demo.example', ['pubsub']),
  );
  const { receivedMessages } = await post(
    'pubsub/PullResponse',
    `/v1/${subscription}:pull`,
    { maxMessages: 10 },
    puller,
  );
  expect([receivedMessages.length, checked]).toEqual([1, 4]);
});

test('a document that breaks its schema is refused', async () => {
  await open({ accounts: 1, messagesPerAccount: 1 });
  expect(() => {
    check(
      'gmail/Message',
      DOCUMENTS ? { id: 'a', internalDate: 5, surprise: true } : { id: 'a' },
      'this',
    );
  }).toThrow('this is no gmail/Message');
});

test('real mail and calendars of every kind of brokenness, where the corpus is at hand', async () => {
  const present = existsSync(CORPUS);
  await open({
    accounts: 1,
    messagesPerAccount: present ? 0 : 20,
    ...(present
      ? { emlDirectories: [path.join(CORPUS, 'eml')], icsDirectories: [path.join(CORPUS, 'ics')] }
      : {}),
  });
  await everyMessage(['full', 'raw']);
  await everyEvent();
  const files = simulator.loaded.flatMap((report) => report.files);
  expect(files.filter((file) => file.loaded === 0 && file.ignored.length === 0)).toEqual([]);
  expect(simulator.loaded.map((report) => [report.kind, report.files.length])).toEqual(
    present
      ? [
          ['eml', 290],
          ['ics', 164],
        ]
      : [],
  );
  expect(checked).toBeGreaterThan(present ? 600 : 40);
});
