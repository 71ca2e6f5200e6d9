/**
 * The connections of one listener. Their number is bounded. A full listener does not refuse a new
 * connection: it closes the connection that has waited longest without a request in progress.
 * Silent sockets and slow clients therefore lose their own connections and do not block the health
 * probe.
 *
 * A connection whose client does not read its responses counts as waiting too: Node does not report
 * the end of a response that the kernel does not accept.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface ConnectionLimits {
  /** Maximum number of open connections. */
  connections: number;
  /** Time in which the client must have read a complete response. */
  unreadMs: number;
}

export interface Connections {
  /** Closes every connection without a request in progress. */
  closeWaiting(): void;
  /** Closes every connection, including those that Node has handed over. */
  closeAll(): void;
  /**
   * Whether the listener may write an error response to a socket: no other response is being
   * written or will be. The error is the response to the request that is being received.
   */
  mayAnswer(socket: Duplex): boolean;
}

/** Connections that may be closed to make room, each set from the longest wait to the shortest. */
interface Waiting {
  /** Connections that have not sent the head of a request yet. */
  silent: Set<Socket>;
  /** Connections that have received a response and may send another request. */
  idle: Set<Socket>;
  /** Connections that have sent the head of a request but not its whole body. */
  receiving: Set<Socket>;
}

/**
 * The responses of each connection that are not ended or not accepted by the kernel, in the order
 * of their requests.
 */
type Answering = Map<Socket, Set<ServerResponse>>;

/** Interval of the check for unread responses. */
const CHECK_EVERY_MS = 1_000;

/** Bounds the connections of `server`. Call it before other listeners of `request` are added. */
export function boundConnections(
  server: Server,
  { connections: limit, unreadMs }: ConnectionLimits,
): Connections {
  const waiting: Waiting = { silent: new Set(), idle: new Set(), receiving: new Set() };
  const answering: Answering = new Map();
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => {
      open.delete(socket);
      answering.delete(socket);
      forget(waiting, socket);
    });
    if (open.size > limit) makeRoom(waiting, answering, socket);
    if (!socket.destroyed) waiting.silent.add(socket);
  });
  trackRequests(server, waiting, answering);
  closeUnread(server, answering, unreadMs);
  return {
    closeWaiting: () => destroyAll([...waiting.silent, ...waiting.idle]),
    closeAll: () => destroyAll(open),
    mayAnswer: (socket) => {
      const answers = [...(answering.get(socket as Socket) ?? [])];
      return answers.every(({ headersSent, req }) => !headersSent && !req.complete);
    },
  };
}

/** Whether a request announces a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function makeRoom(waiting: Waiting, answering: Answering, newcomer: Socket): void {
  const longest =
    first(waiting.silent) ??
    first(waiting.idle) ??
    first(waiting.receiving) ??
    firstUnread(answering) ??
    newcomer;
  // The connection counts as open until it is closed. Removing it here prevents it from being
  // selected again.
  forget(waiting, longest);
  answering.delete(longest);
  longest.destroy();
}

function first(set: ReadonlySet<Socket>): Socket | undefined {
  for (const socket of set) return socket;
  return undefined;
}

/** Returns a connection whose client does not read: the kernel accepts no more data for it. */
function firstUnread(answering: Answering): Socket | undefined {
  for (const socket of answering.keys()) if (socket.writableLength > 0) return socket;
  return undefined;
}

function trackRequests(server: Server, { silent, idle, receiving }: Waiting, all: Answering): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    silent.delete(socket);
    idle.delete(socket);
    const answers = all.get(socket) ?? new Set();
    all.set(socket, answers.add(response));
    if (hasBody(request)) {
      receiving.add(socket);
      request.once('end', () => receiving.delete(socket));
    }
    response.once('close', () => {
      answers.delete(response);
      receiving.delete(socket);
      if (answers.size > 0) return;
      all.delete(socket);
      if (!socket.destroyed) idle.add(socket);
    });
  });
}

/**
 * Closes the connections whose client has not read a complete response in time. It uses its own
 * timer, because the socket's timeout restarts with each byte that a slow client reads.
 */
function closeUnread(server: Server, answering: Answering, unreadMs: number): void {
  const completeSinceMs = new WeakMap<ServerResponse, number>();
  const check = (): void => {
    const nowMs = performance.now();
    for (const [socket, answers] of answering) {
      for (const answer of answers) {
        // Later responses wait for this one, not for the client.
        if (!answer.writableEnded) break;
        const sinceMs = completeSinceMs.get(answer);
        if (sinceMs === undefined) completeSinceMs.set(answer, nowMs);
        else if (nowMs - sinceMs >= unreadMs) socket.destroy();
      }
    }
  };
  server.once('listening', () => {
    const timer = setInterval(check, Math.min(CHECK_EVERY_MS, unreadMs)).unref();
    server.once('close', () => clearInterval(timer));
  });
}

function destroyAll(sockets: Iterable<Socket>): void {
  for (const socket of sockets) socket.destroy();
}

function forget({ silent, idle, receiving }: Waiting, socket: Socket): void {
  for (const set of [silent, idle, receiving]) set.delete(socket);
}
