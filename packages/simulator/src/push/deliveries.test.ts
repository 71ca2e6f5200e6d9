import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Deliveries } from './deliveries.js';

let receiver: Server;
let url: string;
let got: string[];

beforeEach(async () => {
  got = [];
  receiver = createServer((request, response) => {
    got.push(`${request.method} ${request.url}`);
    request.resume();
    if (request.url === '/never') receiver.emit('met');
    else if (request.url === '/elsewhere') response.writeHead(302, { location: '/' }).end();
    else response.writeHead(204).end();
  });
  await once(receiver.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
});
afterEach(() => {
  receiver.closeAllConnections();
  receiver.close();
});

test('the status is returned, redirects are not requested, and an unreachable receiver gives null', async () => {
  const deliveries = new Deliveries();
  expect(await deliveries.post(`${url}/`, { 'x-goog-channel-id': 'c' }, null, 10_000)).toBe(204);
  expect(await deliveries.post(`${url}/elsewhere`, {}, '{}', 10_000)).toBe(302);
  expect(got).toEqual(['POST /', 'POST /elsewhere']);
  expect(await deliveries.post('http://127.0.0.1:1/', {}, '{}', 10_000)).toBeNull();
});

test('a receiver without a response in time is abandoned; stop ends current and later deliveries', async () => {
  const deliveries = new Deliveries();
  expect(await deliveries.post(`${url}/never`, {}, '{}', 20)).toBeNull();
  const met = once(receiver, 'met');
  const underWay = deliveries.post(`${url}/never`, {}, '{}', 600_000);
  await met;
  deliveries.stop();
  expect(await underWay).toBeNull();
  expect(deliveries.isStopped).toBe(true);
  const reached = [...got];
  expect(await deliveries.post(`${url}/`, {}, '{}', 600_000)).toBeNull();
  expect(got).toEqual(reached);
});
