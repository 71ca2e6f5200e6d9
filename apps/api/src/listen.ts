import { once } from 'node:events';
import { type RequestListener, type Server, createServer } from 'node:http';
import { OperatorError, type Runtime } from '@syncline/runtime';

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 5_000;

export interface Listening {
  port: number;
  /** Takes no more connections, lets the open requests end for up to 5 s, then cuts them. */
  close(rt: Runtime): Promise<void>;
}

/** Listens on every address. Port 0 takes a free one. @throws OperatorError when the port is taken or not allowed. */
export async function listen(handler: RequestListener, port: number): Promise<Listening> {
  const server = createServer(
    { headersTimeout: HEADERS_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    handler,
  );
  try {
    server.listen(port);
    await once(server, 'listening');
  } catch (error) {
    throw portError(error, port);
  }
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: (rt) => close(rt, server),
  };
}

function portError(error: unknown, port: number): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  if (code === 'EADDRINUSE')
    return new OperatorError(
      `Port ${port} is in use. Stop what listens there, or set PORT to another one.`,
      { cause: error },
    );
  if (code === 'EACCES')
    return new OperatorError(
      `This user may not listen on port ${port}. Set PORT to one above 1023.`,
      { cause: error },
    );
  return error;
}

async function close(rt: Runtime, server: Server): Promise<void> {
  const waiting = new AbortController();
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const late = rt.clock.sleep(CLOSE_TIMEOUT_MS, waiting.signal).then(
    () => server.closeAllConnections(),
    () => undefined,
  );
  await Promise.race([closed, late]);
  waiting.abort(new Error('closed'));
}
