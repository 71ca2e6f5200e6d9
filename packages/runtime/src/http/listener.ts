/** An HTTP listener of a process, with limits on connections, bytes and times. */
import { once } from 'node:events';
import { type RequestListener, STATUS_CODES, type Server, createServer } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { OperatorError } from '../errors.js';
import { isLoopback } from '../insecure.js';
import type { Runtime } from '../runtime.js';
import { type Connections, boundConnections } from './connections.js';

export interface ListenerOptions {
  /** An IP address of this machine, or `localhost`. */
  host: string;
  /** 0 selects a free port. */
  port: number;
  /** Names of the variables that set host and port, for error messages. */
  variables: { host: string; port: string };
  limits: ListenerLimits;
  /** Whether the open listener keeps the process running. Default: true. */
  keepsAlive?: boolean;
}

export interface ListenerLimits {
  /**
   * Maximum number of open connections. Above it, the connection that has waited longest without a
   * request in progress is closed.
   */
  connections: number;
  /** Maximum size of the head of one request. */
  headerBytes: number;
  /**
   * Time for the head of a request to arrive. For the first request it starts with the connection.
   */
  headersMs: number;
  /** Time for a whole request to arrive, including its body. */
  requestMs: number;
  /** Time between a response and the next request. */
  keepAliveMs: number;
  /**
   * A connection with a request in progress is closed after this time without a byte in either
   * direction.
   */
  stalledMs: number;
  /**
   * Time in which the client must have read a complete response, regardless of its reading speed.
   */
  unreadMs: number;
  requestsPerConnection: number;
}

export interface Listener {
  port: number;
  /** The origin for programs on this machine: `http://127.0.0.1:3000`. */
  origin: string;
  /**
   * Accepts no more connections, waits up to 3 s for requests in progress, then closes their
   * connections.
   */
  close(rt: Runtime): Promise<void>;
}

/** Interval of the check of the time limits. */
const CHECK_EVERY_MS = 1_000;
/**
 * Together with the 2 s for the connections to Redis, this stays below the 5.5 s that a process has
 * for draining.
 */
const CLOSE_TIMEOUT_MS = 3_000;
/**
 * Connections that the kernel holds until they are accepted. When this queue is full, a client
 * tries again after a second. The kernel's own limit may be lower.
 */
const BACKLOG = 4_096;

/**
 * @throws OperatorError when the address is in use, not permitted or not an address of this machine
 */
export async function listen(
  handler: RequestListener,
  options: ListenerOptions,
): Promise<Listener> {
  const { host, port, limits } = options;
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: CHECK_EVERY_MS,
  });
  server.timeout = limits.stalledMs;
  server.maxRequestsPerSocket = limits.requestsPerConnection;
  const connections = boundConnections(server, limits);
  const end = refusing(connections, limits.unreadMs);
  server.on('request', handler);
  server.on('clientError', (error: ClientError, socket) => refuse(error, socket, end));
  // Without this handler Node would close the connection without a response.
  server.on('connect', (_request, socket: Duplex) => end(socket, 405));
  try {
    server.listen({ host, port, backlog: BACKLOG });
    await once(server, 'listening');
  } catch (error) {
    throw addressError(error, options);
  }
  if (options.keepsAlive === false) server.unref();
  const address = server.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  let closing: Promise<void> | null = null;
  return {
    port: taken,
    origin: originOf(host, taken),
    close: (rt) => (closing ??= close(rt, server, connections)),
  };
}

/**
 * Returns the origin of a listener on `host` for programs on this machine. A listener on every
 * address is reached by loopback.
 */
export function originOf(host: string, port: number): string {
  const near = LOOPBACK_OF_ALL.get(host) ?? host;
  return `http://${isIP(near) === 6 ? `[${near}]` : near}:${port}`;
}

/**
 * The address that means every address of a family, and the loopback address of that family.
 */
const LOOPBACK_OF_ALL: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

/** Whether a listener on `host` can be reached from this machine only. */
export function isLoopbackHost(host: string): boolean {
  return isLoopback(host);
}

type ClientError = NodeJS.ErrnoException & { rawPacket?: Buffer };
type End = (socket: Duplex, status: number) => void;

/** Refuses a message that is not valid HTTP, too long or too late. */
function refuse(error: ClientError, socket: Duplex, end: End): void {
  // Data behind a refused request is ignored: its connection is already ending.
  if (socket.writableEnded && !socket.destroyed) return;
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  end(socket, isUnknownMethod(error) ? 405 : (REFUSALS.get(error.code ?? '') ?? 400));
}

/**
 * Ends connections with a response of the listener itself. The connection is closed without a
 * response when the response would interrupt or replace another one. Node no longer handles these
 * sockets: without the error listener below an error would end the process, and without the timer
 * no time limit would apply.
 */
function refusing(connections: Connections, withinMs: number): End {
  return (socket, status) => {
    socket.on('error', () => socket.destroy());
    if (!connections.mayAnswer(socket)) return void socket.destroy();
    const late = setTimeout(() => socket.destroy(), withinMs).unref();
    socket.once('close', () => clearTimeout(late));
    socket.end(refusalText(status), () => socket.destroy());
  };
}

function refusalText(status: number): string {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...(status === 405 ? ['Allow: GET, HEAD, POST'] : []),
    'X-Content-Type-Options: nosniff',
    'Content-Length: 0',
    'Connection: close',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

const REFUSALS: ReadonlyMap<string, number> = new Map([
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
]);

/**
 * Whether the error is caused by a method that Node's parser does not know, such as TRACE, and not
 * by another protocol.
 */
function isUnknownMethod({ code, rawPacket }: ClientError): boolean {
  const begins = rawPacket?.subarray(0, 32).toString('latin1') ?? '';
  return code === 'HPE_INVALID_METHOD' && /^[A-Za-z]+ /.test(begins);
}

function addressError(error: unknown, { host, port, variables }: ListenerOptions): unknown {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : null;
  switch (code) {
    case 'EADDRINUSE':
      return new OperatorError(
        `Port ${port} of ${host} is in use. Stop what listens there, or set ${variables.port} to another one.`,
        { cause: error },
      );
    case 'EACCES':
      return new OperatorError(
        `This user may not listen on port ${port}. Set ${variables.port} to one above 1023.`,
        { cause: error },
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new OperatorError(
        `${host} is not an address of this machine. Set ${variables.host} to one, to 127.0.0.1 for this machine only, or to 0.0.0.0 for every address.`,
        { cause: error },
      );
    default:
      return error;
  }
}

async function close(rt: Runtime, server: Server, connections: Connections): Promise<void> {
  const waiting = new AbortController();
  const closed = once(server, 'close');
  server.close();
  connections.closeWaiting();
  const late = rt.clock.sleep(CLOSE_TIMEOUT_MS, waiting.signal).then(
    () => connections.closeAll(),
    () => undefined,
  );
  await Promise.race([closed, late]);
  waiting.abort(new Error('closed'));
}
