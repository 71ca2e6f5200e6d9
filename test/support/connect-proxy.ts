import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** An HTTP proxy that accepts only tunnels (CONNECT), like a company's proxy for TLS. */
export interface ConnectProxy {
  /** Without credentials. */
  url: string;
  port: number;
  /** `host:port` of each requested tunnel, in order, including refused ones. */
  asked: string[];
  /** The Proxy-Authorization of each request. */
  authorizations: (string | undefined)[];
  close(): Promise<void>;
}

export interface ConnectProxyOptions {
  /** The status of the response instead of a tunnel. */
  refuseWith?: number;
  /** Required as `user:password`; 407 without. */
  credentials?: string;
  /**
   * The port on 127.0.0.1 to which a tunnel to `host:port` is connected; absent: the requested
   * target.
   */
  route?: (target: string) => number;
}

export async function startConnectProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const { refuseWith, credentials, route } = options;
  const expected = credentials && `Basic ${Buffer.from(credentials).toString('base64')}`;
  const asked: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  server.on('connect', (request, near: Socket) => {
    const target = request.url ?? '';
    const authorization = request.headers['proxy-authorization'];
    asked.push(target);
    authorizations.push(authorization);
    const status = refuseWith ?? (expected && authorization !== expected ? 407 : 200);
    if (status !== 200) {
      near.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${target}`);
    const far = route
      ? connect(route(target), '127.0.0.1')
      : connect(Number(port || 80), hostname.replace(/^\[|\]$/g, ''));
    sockets.add(far);
    far
      .on('connect', () => {
        near.write('HTTP/1.1 200 OK\r\n\r\n');
        near.pipe(far).pipe(near);
      })
      .on('error', () => near.destroy())
      .on('close', () => {
        sockets.delete(far);
        near.destroy();
      });
    near.on('close', () => far.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    asked,
    authorizations,
    close: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}
