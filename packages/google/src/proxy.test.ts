import { startConnectProxy, type ConnectProxy } from '../../../test/support/connect-proxy.js';
import { startStubGoogle, type StubGoogle } from '../test-support/stub-google.js';
import { GoogleError } from './errors.js';
import { openTransport, type Transport } from './transport.js';

let stub: StubGoogle;
let proxy: ConnectProxy;
const open: Transport[] = [];
beforeEach(async () => {
  stub = await startStubGoogle();
  stub.answer = () => ({ body: { ok: true } });
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((transport) => transport.close()));
  await proxy.close();
  await stub.close();
});

function transportWith(settings: Partial<Parameters<typeof openTransport>[0]>): Transport {
  const transport = openTransport({ httpsUrl: null, httpUrl: null, noProxy: '', ...settings });
  open.push(transport);
  return transport;
}

const ask = (transport: Transport, origin = stub.url): Promise<string> =>
  transport
    .exchange({ method: 'oauth2.certs', origin, verb: 'GET', path: '/' })
    .then(({ body }) => body.toString());
const failure = (asking: Promise<unknown>): Promise<unknown> =>
  asking.then(
    () => 'answered',
    (error: unknown) => error,
  );

test('a plain-http origin is reached by a tunnel through HTTP_PROXY', async () => {
  proxy = await startConnectProxy();
  expect(await ask(transportWith({ httpUrl: proxy.url }))).toBe('{"ok":true}');
  expect(proxy.asked).toEqual([new URL(stub.url).host]);
});

test('an origin on loopback is reached directly, unless the proxy is also on loopback', async () => {
  proxy = await startConnectProxy();
  const beyond = proxy.url.replace('127.0.0.1', '0.0.0.0');
  expect(await ask(transportWith({ httpUrl: beyond }))).toBe('{"ok":true}');
  expect([proxy.asked, stub.seen.length]).toEqual([[], 1]);
});

test('a tunnel carries one call after another', async () => {
  proxy = await startConnectProxy();
  const transport = transportWith({ httpUrl: proxy.url });
  for (let n = 0; n < 5; n++) await ask(transport);
  expect(stub.seen).toHaveLength(5);
  expect(proxy.asked.length).toBeLessThan(3);
});

test('HTTPS_PROXY is not used for plain-http origins, nor HTTP_PROXY for https origins', async () => {
  proxy = await startConnectProxy();
  await ask(transportWith({ httpsUrl: proxy.url }));
  await failure(ask(transportWith({ httpUrl: proxy.url }), stub.url.replace('http:', 'https:')));
  expect([proxy.asked, stub.seen.length]).toEqual([[], 1]);
});

test.each([
  ['127.0.0.1', 0],
  ['example.com, 127.0.0.1', 0],
  ['*', 0],
  ['example.com', 1],
  ['127.0.0.1:1', 1],
  ['', 1],
])('with NO_PROXY=%p the proxy gets %d requests', async (noProxy, times) => {
  proxy = await startConnectProxy();
  await ask(transportWith({ httpUrl: proxy.url, noProxy }));
  expect(proxy.asked).toHaveLength(times);
});

test.each([
  ['user:pass word', 'user:pass%20word'],
  ['user:', 'user'],
  ['dom\\user:p@ss:word', 'dom%5Cuser:p%40ss%3Aword'],
])('the proxy gets the credentials of its URL: %s', async (credentials, encoded) => {
  proxy = await startConnectProxy({ credentials });
  const withCredentials = proxy.url.replace('http://', `http://${encoded}@`);
  expect(await ask(transportWith({ httpUrl: withCredentials }))).toBe('{"ok":true}');
  expect(stub.seen[0]?.headers).not.toHaveProperty('proxy-authorization');
});

test.each([407, 403, 502])(
  'a proxy that answers %d is a transient error that names the proxy',
  async (refuseWith) => {
    proxy = await startConnectProxy({ refuseWith });
    const url = proxy.url.replace('http://', 'http://user:hunter2@');
    const error = await failure(ask(transportWith({ httpUrl: url })));
    expect(error).toBeInstanceOf(GoogleError);
    expect(error).toMatchObject({
      message: `oauth2.certs: Google gave no usable answer (the proxy answered ${refuseWith} instead of opening a tunnel)`,
      detail: { kind: 'unavailable', retryAfterMs: null },
    });
    expect(stub.seen).toEqual([]);
  },
);

test('an unreachable proxy is a transient error that names the proxy', async () => {
  proxy = await startConnectProxy();
  await proxy.close();
  const { port } = proxy;
  proxy = await startConnectProxy();
  const error = await failure(
    ask(transportWith({ httpUrl: `http://user:hunter2@127.0.0.1:${port}` })),
  );
  expect(error).toMatchObject({
    message:
      'oauth2.certs: Google gave no usable answer (the proxy cannot be reached: ECONNREFUSED)',
    detail: { kind: 'unavailable' },
  });
});

test('the HTTP client reads no environment variables', async () => {
  proxy = await startConnectProxy();
  const before = { ...process.env };
  Object.assign(process.env, { http_proxy: proxy.url, HTTP_PROXY: proxy.url, no_proxy: '*' });
  try {
    await ask(openOne(null));
    await ask(transportWith({ httpsUrl: proxy.url }));
    expect(proxy.asked).toEqual([]);
    await ask(transportWith({ httpUrl: proxy.url }));
    expect(proxy.asked).toHaveLength(1);
  } finally {
    for (const name of ['http_proxy', 'HTTP_PROXY', 'no_proxy'])
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
  }
});

function openOne(settings: null): Transport {
  const transport = openTransport(settings);
  open.push(transport);
  return transport;
}
