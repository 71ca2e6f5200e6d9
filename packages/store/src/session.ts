import pg from 'pg';
import type { ServerLink } from './server-link.js';

const LINKS = new WeakMap<object, ServerLink>();

/** The link of a pool or session of `openPool`; undefined for others. */
export function linkOf(poolOrSession: object): ServerLink | undefined {
  return LINKS.get(poolOrSession);
}

export function setLink(poolOrSession: object, link: ServerLink): void {
  LINKS.set(poolOrSession, link);
}

/** The class of a pool's sessions: it puts the schema into statements, names prepared ones by their text, and gives up what is not answered. */
export function sessionClass(link: ServerLink): typeof pg.Client {
  return class extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      setLink(this, link);
      const send = this.query.bind(this) as (...sent: unknown[]) => unknown;
      const limit = answerLimit(this, link.answerLimitMs);
      // A pool's `query` hands a callback over, everybody else waits for a promise.
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

type Answered = (error: Error | undefined, result: unknown) => void;

/** The name contains a hash of the text as the server gets it: deployments in two schemas have different texts. */
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

/** As long as a cancelled statement may take to end before its connection is closed, at most. */
const CANCEL_GRACE_MS = 2_000;

/**
 * Gives up a session on which something is asked and nothing is answered for `limitMs`: the statement is cancelled at the server, which would go on with it
 * otherwise and keep its locks; then the connection is closed, and all that was asked on it fails. In this order, since a pooler forgets a client that is gone.
 * One timer a session.
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

/** As long as a cancel request may take. */
const CANCEL_LIMIT_MS = 5_000;

/** What the driver's classes have beside their types. */
interface Messenger extends pg.Connection {
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

/** A cancel request goes over a connection of its own (https://www.postgresql.org/docs/current/protocol-flow.html, "Canceling Requests in Progress"). */
function cancelAtServer(session: pg.Client): void {
  const { processID, secretKey } = session as unknown as {
    processID: number | null;
    secretKey: number;
  };
  if (processID === null) return;
  const messenger = new pg.Connection({ ssl: session.ssl }) as Messenger;
  const limit = setTimeout(() => messenger.stream.destroy(), CANCEL_LIMIT_MS).unref();
  // A server that cannot be reached ends the statement by its own limits.
  messenger.on('error', () => messenger.stream.destroy());
  messenger.on('end', () => clearTimeout(limit));
  messenger.on('connect', () =>
    session.ssl ? messenger.requestSsl() : messenger.cancel(processID, secretKey),
  );
  messenger.on('sslconnect', () => messenger.cancel(processID, secretKey));
  if (session.host.startsWith('/')) messenger.connect(`${session.host}/.s.PGSQL.${session.port}`);
  else messenger.connect(session.port, session.host);
}
