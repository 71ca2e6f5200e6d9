/**
 * Starts the example: SYNCLINE_API_URL, SYNCLINE_API_KEY, and PORT (4000). INBOX_CONNECT_ORIGIN
 * is the origin of the connect pages, where browsers do not reach them at SYNCLINE_API_URL.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createClient } from '@syncline/client';
import { inboxApp } from './app.js';

const {
  SYNCLINE_API_URL: url,
  SYNCLINE_API_KEY: key,
  INBOX_CONNECT_ORIGIN: connectOrigin,
  PORT: port = '4000',
} = process.env;

if (!url || !key) {
  console.error('Set SYNCLINE_API_URL and SYNCLINE_API_KEY: `npm run example` does so.');
  process.exitCode = 2;
} else {
  const app = inboxApp(createClient({ url, key }), {
    connectOrigin: connectOrigin ?? new URL(url).origin,
    log: (line) => console.error(line),
  });
  const server = createServer(app);
  server.listen(Number(port), '127.0.0.1', () => {
    const { port: open } = server.address() as AddressInfo;
    console.log(JSON.stringify({ event: 'ready', url: `http://127.0.0.1:${open}` }));
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      server.close();
      server.closeAllConnections();
      process.exitCode = 0;
    });
}
