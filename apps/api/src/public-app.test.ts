import { type Listener, type Runtime, createRuntime } from '@syncline/runtime';
import { listenForTest } from '../../../test/support/listener.js';
import { rawRequest } from '../../../test/support/raw-request.js';
import { publicApp } from './public-app.js';

/** Paths that only the operators' listener serves, and other spellings of this listener's paths. */
const NOWHERE =
  String.raw`/ /metrics /board /board/ /board/api/queues /board/static/favicon.ico /BOARD //board /board/../metrics /%62oard /./board /push/../board
  /push/../metrics /readyz/../board /push /push/ /push/gmail/ /push//gmail /PUSH/gmail /push/Gmail /push/%67mail /push/gmail%2f /push/./gmail
  /push/gmail/x /push/gmail;x /push/calendar/ /push/CALENDAR /push%2fcalendar /push/calendar%00 /push\calendar /LIVEZ /livez/ //livez /%6civez /Readyz
  /readyz/ /readyz/x /readyz%20 /readyz;x /x/../readyz http://127.0.0.1/readyz`.split(/\s+/);

let rt: Runtime;
let server: Listener;

beforeEach(async () => {
  rt = createRuntime({ service: 'test', logLevel: 'silent' });
  const unreachable = (): never => {
    throw new Error('nothing here reaches the mirror');
  };
  server = await listenForTest(
    publicApp(rt, {
      notifier: { mailboxes: unreachable, channel: unreachable },
      verifier: null,
      vault: { isChannelToken: () => false },
    }),
  );
});
afterEach(() => server.close(rt));

test("operators' paths, and other spellings of its own paths, are not found", async () => {
  for (const path of NOWHERE)
    for (const method of ['GET', 'POST']) {
      const answer = await rawRequest(server.port, path, { method });
      expect([method, path, answer.status]).toEqual([method, path, 404]);
      expect(answer.text).toMatch(/\r\n\r\n\{"error":"not found"\}$/);
    }
});

test('a path answers its own methods and refuses the others', async () => {
  for (const [path, allowed] of [
    ['/livez', 'GET, HEAD'],
    ['/readyz', 'GET, HEAD'],
    ['/push/gmail', 'POST'],
    ['/push/calendar', 'POST'],
  ] as const)
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND']) {
      const answer = await rawRequest(server.port, path, { method });
      const allowedMethods =
        answer.status === 405 ? /\r\nAllow: (.*)\r\n/.exec(answer.text)?.[1] : null;
      const expected = allowed.split(', ').includes(method) ? null : allowed;
      expect([method, path, allowedMethods]).toEqual([method, path, expected]);
    }
});

test('refuses TRACE and TRACK on every path, and echoes no request', async () => {
  for (const method of ['TRACE', 'TRACK'])
    for (const path of ['/', '/livez', '/push/gmail', '/board', '*']) {
      const answer = await rawRequest(server.port, path, { method, headers: ['X-Secret: s3cret'] });
      expect([method, path, answer.status]).toEqual([method, path, 405]);
      expect(answer.text).not.toContain('s3cret');
    }
});

test('a process that starts is live and not ready, and is ready when its probes succeed', async () => {
  rt.health.expectProbe('postgres', 'not-ready');
  expect(await get('/livez')).toEqual([200, '{"status":"live"}']);
  expect(await get('/readyz')).toEqual([
    503,
    '{"status":"not ready","missing":["starting","postgres"]}',
  ]);
  rt.health.started();
  rt.health.probed('postgres', true);
  expect(await get('/readyz')).toEqual([200, '{"status":"ready"}']);
  expect(await get('/readyz?verbose=1')).toEqual([200, '{"status":"ready"}']);
  expect(await get('/livez', 'HEAD')).toEqual([200, '']);
});

test('/readyz answers 200 with `degraded` for what the API works without', async () => {
  rt.health.started();
  rt.health.expectProbe('redis', 'degraded');
  expect(await get('/readyz')).toEqual([200, '{"status":"degraded","degraded":["redis"]}']);
});

test('every answer has the security headers, and none names the server software', async () => {
  for (const path of ['/livez', '/nowhere']) {
    const { headers } = await fetch(`${server.origin}${path}`);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect([headers.has('x-powered-by'), headers.has('server')]).toEqual([false, false]);
  }
});

async function get(path: string, method = 'GET'): Promise<[number, string]> {
  const answer = await fetch(`${server.origin}${path}`, { method });
  return [answer.status, await answer.text()];
}
