import { once } from 'node:events';
import { connect } from 'node:net';

export interface RawAnswer {
  status: number;
  /** Head and body as received. */
  text: string;
}

/** Sends a request unchanged (fetch would normalise its path), and reads until the server closes. */
export async function rawRequest(
  port: number,
  target: string,
  { method = 'GET', host = `127.0.0.1:${port}`, headers = [] as string[], body = '' } = {},
): Promise<RawAnswer> {
  const socket = connect(port, '127.0.0.1');
  const head = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (chunk: string) => (text += chunk));
  await once(socket, 'close');
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]), text };
}
