import pg from 'pg';
import type { ServerLink } from './server-link.js';

const LINKS = new WeakMap<object, ServerLink>();

/** Returns the link of a pool or session of `openPool`; undefined for others. */
export function linkOf(poolOrSession: object): ServerLink | undefined {
  return LINKS.get(poolOrSession);
}

export function setLink(poolOrSession: object, link: ServerLink): void {
  LINKS.set(poolOrSession, link);
}

/**
 * Returns the class of a pool's sessions. It replaces the schema in statements, names prepared
 * statements by their text, and closes a session that does not answer.
 */
export function sessionClass(link: ServerLink): typeof pg.Client {
  return class extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      setLink(this, link);
      const send = corked(this, this.query.bind(this));
      const limit = answerLimit(this, link.answerLimitMs);
      // A pool's `query` passes a callback; all other callers await a promise.
      this.query = ((statement: string | pg.QueryConfig, values?: unknown, callback?: Answered) => {
        const ready =
          typeof statement === 'string' ? link.rename(statement) : prepared(link, statement);
        limit.sent();
        if (callback)
          return send(ready, values, (error: Error | undefined, result: unknown) => {
            limit.answered();
            callback(error, result);
          });
        const answer = send(ready, values) as Promise<unknown>;
        answer.then(limit.answered, limit.answered);
        return answer;
      }) as typeof this.query;
    }
  };
}

/**
 * The driver corks the socket around statements with parameters, but not around others, like BEGIN.
 * These would be sent in a write of their own (see WriteBatchingSocket).
 */
function corked(
  session: pg.Client,
  send: (...sent: unknown[]) => unknown,
): (...sent: unknown[]) => unknown {
  return (...sent) => {
    if (typeof sent[0] !== 'string') return send(...sent);
    const { stream } = session.connection;
    stream.cork();
    try {
      return send(...sent);
    } finally {
      stream.uncork();
    }
  };
}

type Answered = (error: Error | undefined, result: unknown) => void;

/**
 * The name contains a hash of the text that the server receives, so deployments in two schemas have
 * different names.
 */
function prepared(link: ServerLink, statement: pg.QueryConfig): pg.QueryConfig {
  const { name } = statement;
  const text = link.rename(statement.text);
  if (name === undefined) return text === statement.text ? statement : { ...statement, text };
  return {
    ...statement,
    text,
    name: link.statements.areUsed ? link.statements.nameOf(name, text) : undefined,
  };
}

/** Maximum time for a cancelled statement to end before its connection is closed. */
const CANCEL_GRACE_MS = 2_000;

/**
 * Closes a session that has pending statements and no answer for `limitMs`. First the statement is
 * cancelled at the server, which would otherwise continue it and keep its locks. Then the
 * connection is closed, and its pending statements fail. The order matters because a pooler forgets
 * a disconnected client. There is one timer per session.
 */
function answerLimit(
  session: pg.Client,
  limitMs: number,
): { sent: () => void; answered: () => void } {
  let unanswered = 0;
  const timer = setTimeout(() => {
    if (unanswered === 0) return;
    cancelAtServer(session);
    const close = (): void => void (unanswered > 0 && session.connection.stream.destroy());
    setTimeout(close, Math.min(CANCEL_GRACE_MS, limitMs)).unref();
  }, limitMs).unref();
  return {
    sent: () => {
      if (unanswered++ === 0) timer.refresh();
    },
    answered: () => {
      unanswered -= 1;
      timer.refresh();
    },
  };
}

/** Maximum time for a cancel request. */
const CANCEL_LIMIT_MS = 5_000;

/** Members of the driver's classes that its types do not declare. */
interface Messenger extends pg.Connection {
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

/**
 * Sends a cancel request over a separate connection
 * (https://www.postgresql.org/docs/current/protocol-flow.html, "Canceling Requests in Progress").
 */
function cancelAtServer(session: pg.Client): void {
  const { processID, secretKey } = session as unknown as {
    processID: number | null;
    secretKey: number;
  };
  if (processID === null) return;
  const messenger = new pg.Connection({ ssl: session.ssl }) as Messenger;
  const limit = setTimeout(() => messenger.stream.destroy(), CANCEL_LIMIT_MS).unref();
  // When the server is unreachable, its own time limits end the statement.
  messenger.on('error', () => messenger.stream.destroy());
  messenger.on('end', () => clearTimeout(limit));
  messenger.on('connect', () =>
    session.ssl ? messenger.requestSsl() : messenger.cancel(processID, secretKey),
  );
  messenger.on('sslconnect', () => messenger.cancel(processID, secretKey));
  if (session.host.startsWith('/')) messenger.connect(`${session.host}/.s.PGSQL.${session.port}`);
  else messenger.connect(session.port, session.host);
}
