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

/** The class of a pool's sessions: it puts the schema into statements, names prepared ones by their text, and cancels a statement that is given up. */
export function sessionClass(link: ServerLink): typeof pg.Client {
  return class extends pg.Client {
    constructor(config?: string | pg.ClientConfig) {
      super(config);
      setLink(this, link);
      const send = this.query.bind(this) as (...sent: unknown[]) => unknown;
      const onFailure = (error: unknown): void => {
        if (isGivenUp(error)) cancelAtServer(this);
      };
      // A pool's `query` hands a callback over, everybody else waits for a promise.
      this.query = ((statement: string | pg.QueryConfig, values?: unknown, callback?: Answered) => {
        const ready =
          typeof statement === 'string' ? link.rename(statement) : prepared(link, statement);
        if (callback)
          return send(ready, values, (error: Error | undefined, result: unknown) => {
            if (error) onFailure(error);
            callback(error, result);
          });
        const answer = send(ready, values) as Promise<unknown>;
        answer.catch(onFailure);
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

/** The driver has waited for longer than `query_timeout`, and has closed the connection. */
function isGivenUp(error: unknown): boolean {
  return error instanceof Error && error.message === 'Query read timeout';
}

/** As long as a cancel request may take; the server's own limits hold where it does not arrive. */
const CANCEL_LIMIT_MS = 5_000;

/** What the driver's classes have beside their types. */
interface Messenger extends pg.Connection {
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processId: number, secretKey: number): void;
}

/**
 * Tells the server to end the statement of a session whose connection is closed already: otherwise it goes on with it, and keeps its locks. A cancel
 * request goes over a connection of its own (https://www.postgresql.org/docs/current/protocol-flow.html, "Canceling Requests in Progress").
 */
function cancelAtServer(session: pg.Client): void {
  const { processID, secretKey } = session as unknown as {
    processID: number | null;
    secretKey: number;
  };
  if (processID === null) return;
  const messenger = new pg.Connection({ ssl: session.ssl }) as Messenger;
  const limit = setTimeout(() => messenger.stream.destroy(), CANCEL_LIMIT_MS);
  limit.unref();
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
