import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';

/**
 * A server that implements just enough of Postgres' protocol to refuse every session with one
 * error, like a server that starts or shuts down.
 */
export interface RefusingPostgres {
  url: string;
  close(): void;
}

/**
 * Length and code of an SSLRequest
 * (https://www.postgresql.org/docs/current/protocol-message-formats.html).
 */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

export async function startRefusingPostgres(
  code: string,
  message: string,
): Promise<RefusingPostgres> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    socket.on('data', (data) => {
      if (data.equals(SSL_REQUEST)) socket.write('N');
      else socket.end(fatal(code, message));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `postgresql://syncline@127.0.0.1:${(server.address() as AddressInfo).port}/mirror`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function fatal(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
