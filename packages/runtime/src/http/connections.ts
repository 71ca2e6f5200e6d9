/**
 * The connections of one listener. Their number is bounded, and a full listener makes room instead of refusing: it closes the connection that has waited
 * longest without a request in work. So silent sockets and slow clients cost their own connections and not the health probe's.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Connections {
  /** Closes every connection without a request in work. */
  closeWaiting(): void;
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

/** Bounds the connections of `server` to `limit`. Call it before other listeners of `request` are added. */
export function boundConnections(server: Server, limit: number): Connections {
  const waiting: Waiting = { silent: new Set(), idle: new Set(), receiving: new Set() };
  let open = 0;
  server.on('connection', (socket: Socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
      forget(waiting, socket);
    });
    if (open > limit) makeRoom(waiting, socket);
    if (!socket.destroyed) waiting.silent.add(socket);
  });
  trackRequests(server, waiting);
  return {
    closeWaiting: () => {
      for (const set of [waiting.silent, waiting.idle]) for (const socket of set) socket.destroy();
    },
  };
}

/** Whether a request announces a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function makeRoom(waiting: Waiting, newcomer: Socket): void {
  const [longest] = [
    ...first(waiting.silent),
    ...first(waiting.idle),
    ...first(waiting.receiving),
    newcomer,
  ];
  // It counts as open until it is closed, and nothing may choose it a second time.
  if (longest !== undefined) forget(waiting, longest);
  longest?.destroy();
}

function first(set: ReadonlySet<Socket>): Socket[] {
  for (const socket of set) return [socket];
  return [];
}

function trackRequests(server: Server, { silent, idle, receiving }: Waiting): void {
  const inWork = new WeakMap<Socket, number>();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    silent.delete(socket);
    idle.delete(socket);
    inWork.set(socket, (inWork.get(socket) ?? 0) + 1);
    if (hasBody(request)) {
      receiving.add(socket);
      request.once('end', () => receiving.delete(socket));
    }
    response.once('close', () => {
      const left = (inWork.get(socket) ?? 1) - 1;
      inWork.set(socket, left);
      receiving.delete(socket);
      if (left === 0 && !socket.destroyed) idle.add(socket);
    });
  });
}

function forget({ silent, idle, receiving }: Waiting, socket: Socket): void {
  for (const set of [silent, idle, receiving]) set.delete(socket);
}
