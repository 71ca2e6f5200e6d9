/**
 * The connections of one listener. Their number is bounded, and a full listener makes room instead of refusing: it closes the connection that has waited
 * longest without a request in work. So silent sockets and slow clients cost their own connections and not the health probe's.
 *
 * A connection whose client does not read its answers waits too: Node reports no end of an answer that the kernel does not take.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface ConnectionLimits {
  /** Open at once. */
  connections: number;
  /** In which the client must have taken an answer that is complete. */
  unreadMs: number;
}

export interface Connections {
  /** Closes every connection without a request in progress. */
  closeWaiting(): void;
  /** Closes every connection, also those that Node has handed over. */
  closeAll(): void;
  /**
   * Whether an error of the listener's own may be written to a socket: nothing of another answer is on its way or to come. The
   * request that is being received is the one that the error answers.
   */
  mayAnswer(socket: Duplex): boolean;
}

/** Connections that may be closed to make room, each set from the longest wait to the shortest. */
interface Waiting {
  /** Has not sent the head of a request yet. */
  silent: Set<Socket>;
  /** Has had an answer, and may send another request. */
  idle: Set<Socket>;
  /** Has sent the head of a request, and not yet all of its body. */
  receiving: Set<Socket>;
}

/** The answers of each connection that are not ended, or not taken by the kernel; in the order of their requests. */
type Answering = Map<Socket, Set<ServerResponse>>;

/** How often unread answers are looked for. */
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
  // It counts as open until it is closed, and nothing may choose it a second time.
  forget(waiting, longest);
  answering.delete(longest);
  longest.destroy();
}

function first(set: ReadonlySet<Socket>): Socket | undefined {
  for (const socket of set) return socket;
  return undefined;
}

/** The kernel takes no more for its client, who does not read. */
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
 * Closes the connections whose client has not taken a complete answer in time. By a timer of its own: the socket's timeout begins
 * anew with each byte that a slow client takes.
 */
function closeUnread(server: Server, answering: Answering, unreadMs: number): void {
  const completeSinceMs = new WeakMap<ServerResponse, number>();
  const check = (): void => {
    const nowMs = performance.now();
    for (const [socket, answers] of answering) {
      for (const answer of answers) {
        // Those behind it wait for it, and not for the client.
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
