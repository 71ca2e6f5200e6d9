import fc from 'fast-check';
import { encodeBatch, parseBatch } from './batch.js';
import { MalformedAnswer } from './errors.js';

const BOUNDARY = 'batch_llG_9dniIyeFXPERplIRPwpVYtn3RBa4';
const TYPE = `multipart/mixed; boundary=${BOUNDARY}`;

interface Written {
  id: string;
  status?: number;
  json: unknown;
  headers?: string[];
}

function write(parts: Written[], { lead = '\r\n', end = '\r\n', close = true } = {}): Buffer {
  const text = parts.map(
    ({
      id,
      status = 200,
      json,
      headers = ['Content-Type: application/json; charset=UTF-8', 'Vary: Origin', 'Vary: X-Origin'],
    }) =>
      [
        `--${BOUNDARY}`,
        'Content-Type: application/http',
        `Content-ID: <response-${id}>`,
        '',
        `HTTP/1.1 ${status} Whatever`,
        ...headers,
        '',
        JSON.stringify(json),
        '',
      ].join(end),
  );
  return Buffer.from(`${lead}${text.join(end)}${end}${close ? `--${BOUNDARY}--${end}` : ''}`);
}

const read = (body: Buffer, type = TYPE) =>
  parseBatch(type, body).map(({ id, status, start, end }) => ({
    id,
    status,
    json: JSON.parse(body.toString('utf8', start, end)) as unknown,
  }));

test('a batch is written in the documented format', () => {
  expect(
    encodeBatch('b', [{ id: 'item-0', path: '/gmail/v1/users/me/messages/a1?format=full' }]),
  ).toBe(
    '--b\r\nContent-Type: application/http\r\nContent-ID: <item-0>\r\n\r\nGET /gmail/v1/users/me/messages/a1?format=full HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n--b--\r\n',
  );
});

test('parts are distinguished by their Content-ID, in any order and with any status', () => {
  const parts = [
    { id: 'item-2', json: { id: 'c' } },
    { id: 'item-0', status: 404, json: { error: {} } },
    { id: 'item-1', json: { id: 'b' } },
  ];
  expect(read(write(parts))).toEqual([
    { id: 'item-2', status: 200, json: { id: 'c' } },
    { id: 'item-0', status: 404, json: { error: {} } },
    { id: 'item-1', status: 200, json: { id: 'b' } },
  ]);
});

test.each([
  ['without a leading line end', { lead: '' }],
  ['with bare line feeds', { lead: '\n', end: '\n' }],
])('reads an answer %s', (_name, options) => {
  expect(read(write([{ id: 'item-0', json: { id: 'a' } }], options))).toEqual([
    { id: 'item-0', status: 200, json: { id: 'a' } },
  ]);
});

test('header names in any case, ids with or without brackets and quoted boundaries are read', () => {
  const body = Buffer.from(
    `--x y\r\ncontent-type: application/http\r\nCONTENT-ID: response-item-4\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{"id":"a"}\r\n--x y--`,
  );
  expect(read(body, 'Multipart/Mixed; charset=x; Boundary="x y"')).toEqual([
    { id: 'item-4', status: 200, json: { id: 'a' } },
  ]);
});

test('an inner message without headers or body is read', () => {
  const body = Buffer.from(
    `--${BOUNDARY}\r\nContent-ID: <response-item-0>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n\r\n--${BOUNDARY}--`,
  );
  expect(parseBatch(TYPE, body)).toMatchObject([{ id: 'item-0', status: 204 }]);
});

test('a truncated part is left out; complete parts before it are kept', () => {
  const whole = write([
    { id: 'item-0', json: { id: 'a' } },
    { id: 'item-1', json: { id: 'b' } },
  ]);
  const cut = whole.subarray(0, whole.indexOf('item-1') + 80);
  expect(read(cut)).toEqual([{ id: 'item-0', status: 200, json: { id: 'a' } }]);
});

test('parts without an id or a status are left out', () => {
  const body = Buffer.from(
    `--${BOUNDARY}\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}\r\n--${BOUNDARY}\r\nContent-ID: <response-item-1>\r\n\r\nnonsense\r\n--${BOUNDARY}--`,
  );
  expect(parseBatch(TYPE, body)).toEqual([]);
});

test('the boundary inside a JSON text does not end a part', () => {
  const json = { id: 'a', snippet: `--${BOUNDARY}--` };
  expect(read(write([{ id: 'item-0', json }]))).toEqual([{ id: 'item-0', status: 200, json }]);
});

test.each(['application/json', 'text/html', 'multipart/mixed', ''])(
  'a response of type %p is not a batch',
  (type) => {
    expect(() => parseBatch(type, Buffer.from('{}'))).toThrow(MalformedAnswer);
  },
);

test('every written batch is read with either line end, and a truncated one gives no wrong parts', () => {
  const part = fc.record({
    id: fc.stringMatching(/^[\w-]{1,12}$/),
    status: fc.integer({ min: 200, max: 599 }),
    json: fc.jsonValue({ maxDepth: 2 }),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(part, { selector: ({ id }) => id.toLowerCase(), maxLength: 6 }),
      fc.boolean(),
      fc.nat(),
      (parts, bare, cutAt) => {
        const body = write(parts, bare ? { lead: '', end: '\n' } : {});
        const written = parts.map(({ id, status, json }) => ({
          id,
          status,
          json: JSON.parse(JSON.stringify(json)) as unknown,
        }));
        const cleaned = written.map((line) => ({
          ...line,
          id: line.id.replace(/^response-/i, ''),
        }));
        expect(read(body)).toEqual(cleaned);
        const some = read(body.subarray(0, cutAt % (body.length + 1)));
        expect(cleaned.slice(0, some.length)).toEqual(some);
      },
    ),
  );
});
