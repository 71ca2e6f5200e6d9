import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';

/** A TCP proxy before a server, which can make the server unavailable. */
export interface ServerProxy {
  url: string;
  /**
   * `passes`; `stopped`: existing and new connections are reset; `silent`: connections are accepted
   * and carry no data, as behind a firewall that drops packets. A silent connection stays silent;
   * new connections follow the mode at their time.
   */
  set(mode: 'passes' | 'silent' | 'stopped'): void;
  close(): void;
}

export async function openServerProxy(serverUrl: string): Promise<ServerProxy> {
  const target = new URL(serverUrl);
  const pairs = new Map<Socket, Socket>();
  let mode: Parameters<ServerProxy['set']>[0] = 'passes';
  const cut = (near: Socket): void => {
    near.destroy();
    pairs.get(near)?.destroy();
    pairs.delete(near);
  };
  const server = createServer((near) => {
    near.on('error', () => undefined);
    if (mode === 'stopped') return near.resetAndDestroy();
    const far = connect(Number(target.port), target.hostname);
    pairs.set(near, far);
    for (const socket of [near, far])
      socket.on('error', () => undefined).on('close', () => cut(near));
    if (mode === 'silent') near.on('data', () => undefined);
    else near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(serverUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    set: (next) => {
      mode = next;
      if (mode === 'stopped') for (const near of pairs.keys()) cut(near);
      if (mode === 'silent')
        for (const [near, far] of pairs) {
          near.unpipe(far).on('data', () => undefined);
          far.unpipe(near).on('data', () => undefined);
        }
    },
    close: () => {
      server.close();
      for (const near of pairs.keys()) cut(near);
    },
  };
}
