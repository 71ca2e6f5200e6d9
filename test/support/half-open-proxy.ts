import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/**
 * A TCP proxy before a server, whose connections can be made half-open: they stay open and carry no
 * data, as after a firewall has dropped their state.
 */
export interface HalfOpenProxy {
  url: string;
  /**
   * Stops the data of the current connections whose client has sent `word`; new connections work.
   * @returns the number of stopped connections
   */
  silence(word: string): number;
  close(): void;
}

/** A client sends its name with its first commands. */
const RECEIVED_BYTES = 4_096;

export async function openHalfOpenProxy(serverUrl: string): Promise<HalfOpenProxy> {
  const target = new URL(serverUrl);
  const pairs = new Set<{ near: Socket; far: Socket; received: string }>();
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    const pair = { near, far, received: '' };
    pairs.add(pair);
    near.on('data', (chunk) => {
      if (pair.received.length < RECEIVED_BYTES) pair.received += chunk.toString('latin1');
    });
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      socket
        .on('error', () => undefined)
        .on('close', () => {
          near.destroy();
          far.destroy();
          pairs.delete(pair);
        });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(serverUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    silence: (word) => {
      const named = [...pairs].filter(({ received }) => received.includes(word));
      for (const { near, far } of named) {
        near.unpipe(far).on('data', () => undefined);
        far.unpipe(near).on('data', () => undefined);
      }
      return named.length;
    },
    close: () => {
      server.close();
      for (const { near, far } of pairs) {
        near.destroy();
        far.destroy();
      }
    },
  };
}
