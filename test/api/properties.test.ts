import fc from 'fast-check';
import { ROUTES, type Route, type RouteId } from '@syncline/contract';
import { DOCUMENT } from '../support/api-contract.js';
import { startApi, type ApiWorld } from '../support/api-world.js';

/*
 * Requests that are generated from the route table: valid ones, ones at a limit, and ones with a
 * broken rule. The helper compares each answer with the document. `API_REQUESTS=20000` sends more.
 */

const REQUESTS = Number(process.env['API_REQUESTS'] ?? 500);

let world: ApiWorld;
let key: string;
const ids: string[] = [];

beforeAll(async () => {
  world = await startApi();
  key = await world.key();
  for (const name of ['ada', 'grace', 'alan'])
    ids.push(await world.account({ email: `${name}@example.com`, tenant: 'acme' }));
  // Nobody syncs here: a read that wants fresh rows is answered at once.
  await world.database.pool.query("UPDATE syncline.collections SET parked = 'for a test'");
});
afterAll(() => world.close());

interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  enum?: unknown[];
  format?: string;
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  minItems?: number;
  maxItems?: number;
}

/** Values that break most rules. */
const broken = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    1e21,
    0.5,
    '',
    ' ',
    '\u0000',
    '\ud800',
    '../x',
    '%00',
    "'; --",
    [],
    {},
    [[]],
  ),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.integer(),
  fc.string({ minLength: 300, maxLength: 10_000 }),
);

/** Mostly a value of the schema; sometimes one at its limit or beyond. */
function valueOf(schema: Schema, name: string): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 8, arbitrary: validOf(schema, name) },
    { weight: 1, arbitrary: broken },
  );
}

function validOf(schema: Schema, name: string): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.format === 'uuid') return fc.oneof(fc.constantFrom(...ids), fc.uuid());
  switch (schema.type) {
    case 'integer':
      return integerOf(schema);
    case 'boolean':
      return fc.boolean();
    case 'array':
      return fc.array(valueOf(schema.items ?? {}, name), { maxLength: 4 });
    case 'object':
      return objectOf(schema);
    default:
      return textOf(schema, name);
  }
}

function integerOf({ minimum: min = 0, maximum: max = 1_000 }: Schema): fc.Arbitrary<unknown> {
  return fc.oneof(fc.integer({ min, max }), fc.constantFrom(min, max, max + 1));
}

function textOf(schema: Schema, name: string): fc.Arbitrary<unknown> {
  if (name === 'freshWithin') return fc.constantFrom('0s', '10m', '601s', '5');
  if (name === 'wait') return fc.constantFrom('0s', '1s', '26s', '1m');
  if (schema.format === 'date-time')
    return fc.constantFrom(
      '2026-03-01T00:00:00Z',
      '2026-05-30T00:00:00+02:00',
      '0000-01-01T00:00:00Z',
      '9999-12-31T23:59:59-01:00',
    );
  if (name === 'email')
    return fc.oneof(fc.emailAddress(), fc.constantFrom('ada@example.com', 'GRACE@example.com'));
  if (name === 'cursor') return fc.base64String({ maxLength: 60 });
  const { minLength = 0, maxLength = 50 } = schema;
  return fc.string({
    unit: 'grapheme',
    minLength: Math.min(minLength, 5),
    maxLength: Math.min(maxLength, 60),
  });
}

function objectOf(schema: Schema): fc.Arbitrary<unknown> {
  const properties = Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, one]) => [name, valueOf(one, name)]),
  );
  const known = fc.record(properties, { requiredKeys: schema.required ?? [] });
  const unknown = fc.record({ [`x`]: broken });
  return fc.oneof(
    { weight: 9, arbitrary: known },
    {
      weight: 1,
      arbitrary: fc.tuple(known, unknown).map(([one, other]) => ({ ...one, ...other })),
    },
  );
}

interface Generated {
  id: RouteId;
  path: string;
  query: [string, unknown][];
  body: unknown;
  headers: Record<string, string>;
}

function requestOf(id: RouteId): fc.Arbitrary<Generated> {
  const route = ROUTES[id] as Route;
  const operation = OPERATIONS.get(id)!;
  const params = operation.parameters.filter((one) => one.in === 'path');
  const queries = operation.parameters.filter((one) => one.in === 'query');
  const value = (one: { schema: Schema; name: string }): fc.Arbitrary<unknown> =>
    valueOf(one.schema, one.name);
  return fc.record({
    id: fc.constant(id),
    path: fc
      .tuple(...params.map(value))
      .map((values) =>
        params.reduce(
          (text, { name }, at) => text.replace(`{${name}}`, encoded(values[at])),
          route.path,
        ),
      ),
    query: fc
      .record(Object.fromEntries(queries.map((one) => [one.name, value(one)])), {
        requiredKeys: [],
      })
      .map((all) => Object.entries(all)),
    body:
      operation.body === null
        ? fc.constant(undefined)
        : fc.oneof(
            { weight: 9, arbitrary: valueOf(operation.body, '') },
            {
              weight: 1,
              arbitrary: fc.constantFrom<unknown>(undefined, '{', '[]', 'null', '"\\ud800"'),
            },
          ),
    headers: fc.record(
      {
        'Idempotency-Key': fc.constantFrom('a', 'b', 'é', 'x'.repeat(256), 'c d'),
        'If-None-Match': fc.constantFrom('*', 'W/"x"', '"'),
        Accept: fc.oneof(
          { weight: 6, arbitrary: fc.constant('application/json;q=0.5, */*;q=0.1') },
          { weight: 1, arbitrary: fc.constantFrom('text/html', 'nonsense', 'application/*', '') },
        ),
      },
      { requiredKeys: [] },
    ),
  });
}

function encoded(value: unknown): string {
  try {
    return encodeURIComponent(typeof value === 'string' ? value : JSON.stringify(value)) || '%20';
  } catch {
    return '%ed%a0%80';
  }
}

const OPERATIONS = operations();

test(`${REQUESTS} generated requests: never a 5xx, and every answer is as documented`, async () => {
  const statuses = new Map<number, number>();
  const kinds = fc.constantFrom(...(Object.keys(ROUTES) as RouteId[])).chain(requestOf);
  await fc.assert(
    fc.asyncProperty(kinds, async (request) => {
      const first = await send(request);
      statuses.set(first.status, (statuses.get(first.status) ?? 0) + 1);
      // `onStale=fail` asks for the only one.
      const isAskedFor = typeOf(first.json) === 'urn:syncline:problem:not-fresh-enough';
      expect(isAskedFor || first.status < 500).toBe(true);
      if (ROUTES[request.id].method !== 'GET' || first.status !== 200) return;
      const tag = first.headers.get('etag') ?? '';
      const again = await send({
        ...request,
        headers: { ...request.headers, 'If-None-Match': tag },
      });
      // Progress and times of an account may change between two reads.
      expect(again.status === 304).toBe(again.headers.get('etag') === tag);
    }),
    { numRuns: REQUESTS },
  );
  process.stderr.write(
    `answers by status: ${JSON.stringify(Object.fromEntries([...statuses].sort()))}\n`,
  );
  expect([200, 400, 404].filter((status) => !statuses.has(status))).toEqual([]);
}, 3_600_000);

function typeOf(json: unknown): unknown {
  return (Object(json) as { type?: unknown }).type;
}

function send({ id, path, query, body, headers }: Generated): ReturnType<ApiWorld['send']> {
  const { method } = ROUTES[id];
  const search = query.map(([name, value]) => `${name}=${encoded(value)}`).join('&');
  const sent = method === 'GET' ? undefined : body;
  return world.send(method, `${path}?${search}`, {
    key,
    body: sent,
    headers: Object.fromEntries(
      Object.entries(headers).filter(([, value]) => /^[\x20-\x7e]*$/.test(value)),
    ),
  });
}

/** The inputs of each operation, as the document has them. */
function operations(): Map<
  RouteId,
  { parameters: { name: string; in: string; schema: Schema }[]; body: Schema | null }
> {
  const paths = Object.values(DOCUMENT.paths ?? {}) as Record<string, DocumentedOperation>[];
  return new Map(
    paths
      .flatMap((path) => Object.values(path))
      .map(({ operationId, parameters = [], requestBody }) => [
        operationId,
        { parameters, body: requestBody?.content['application/json'].schema ?? null },
      ]),
  );
}

interface DocumentedOperation {
  operationId: RouteId;
  parameters?: { name: string; in: string; schema: Schema }[];
  requestBody?: { content: { 'application/json': { schema: Schema } } };
}
