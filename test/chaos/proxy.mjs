/**
 * A TCP proxy between the fleet and one of its servers, for faults other than killed processes:
 * connections cut during a request, a server that accepts data and never answers (half-open),
 * latency.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export async function openProxy(targetUrl) {
  const target = new URL(targetUrl);
  const pairs = new Set();
  let delayMs = 0;
  let stalled = false;
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    const pair = { near, far };
    pairs.add(pair);
    const end = () => {
      near.destroy();
      far.destroy();
      pairs.delete(pair);
    };
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      const pass = delayed(to);
      from.on('data', pass);
      from.on('error', end);
      from.on('close', end);
    }
    if (stalled) for (const socket of [near, far]) socket.pause();
  });
  // Bytes keep their order when the latency changes: a chunk never passes an earlier one.
  const delayed = (to) => {
    const waiting = [];
    let lastDueMs = 0;
    return (chunk) => {
      if (delayMs === 0 && waiting.length === 0) {
        if (!to.destroyed) to.write(chunk);
        return;
      }
      const nowMs = performance.now();
      lastDueMs = Math.max(lastDueMs, nowMs + delayMs);
      waiting.push(chunk);
      // Each timer sends the oldest chunk, since timers may fire in another order.
      setTimeout(() => {
        const oldest = waiting.shift();
        if (!to.destroyed) to.write(oldest);
      }, lastDueMs - nowMs);
    };
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(targetUrl);
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  url.port = String(port);
  return {
    url: url.href.replace(/\/$/, ''),
    /** Resets every connection; new ones are accepted. */
    cut() {
      for (const { near, far } of pairs) {
        near.resetAndDestroy();
        far.destroy();
      }
    },
    /** Stops all data until `flow`; connections stay open. */
    stall() {
      stalled = true;
      for (const { near, far } of pairs) for (const socket of [near, far]) socket.pause();
    },
    flow() {
      stalled = false;
      for (const { near, far } of pairs) for (const socket of [near, far]) socket.resume();
    },
    slow(ms) {
      delayMs = ms;
    },
    close() {
      server.close();
      for (const { near, far } of pairs) {
        near.destroy();
        far.destroy();
      }
    },
  };
}
