import { OperatorError, ServerUnavailable } from '@syncline/runtime';
import { connectionFailureOf, connectionProblem } from './database-errors.js';

const failure = (code: string | null, message = 'words'): Error =>
  Object.assign(new Error(message), code === null ? {} : { code });

test.each([
  ['57P01', 'terminating connection due to administrator command'],
  ['57P02', 'terminating connection because of crash of another server process'],
  ['57P03', 'the database system is starting up'],
  ['57P05', 'terminating connection due to idle-session timeout'],
  ['53300', 'sorry, too many clients already'],
  ['08000', ''],
  ['08001', ''],
  ['08006', ''],
  ['08P01', 'pgbouncer cannot connect to server'],
  ['08P01', 'server login has been failing, try again later (server_login_retry)'],
  ['08P01', 'query_wait_timeout'],
  ['08P01', 'no more connections allowed (max_client_conn)'],
  ['08P01', 'server conn crashed?'],
  ['08P01', 'the database system is shutting down'],
  ['08P01', 'the database system is starting up'],
  ['08P01', 'the database system is in recovery mode'],
  ['08P01', 'the database system is not yet accepting connections'],
  ['08P01', 'terminating connection due to administrator command'],
  ['08P01', 'client_login_timeout'],
  ['08P01', 'server closed the connection unexpectedly'],
  ['08P01', 'connect failed'],
  ['08P01', 'database is paused'],
  ['ECONNREFUSED', ''],
  ['ECONNRESET', ''],
  ['EPIPE', ''],
  ['ETIMEDOUT', ''],
  ['EHOSTUNREACH', ''],
  ['ENOTFOUND', ''],
  ['EAI_AGAIN', ''],
  ['ENOENT', 'connect ENOENT /run/postgresql/.s.PGSQL.5432'],
  [null, 'Connection terminated unexpectedly'],
  [null, 'Connection terminated due to connection timeout'],
  [null, 'Client has encountered a connection error and is not queryable'],
  [null, 'timeout exceeded when trying to connect'],
])('%s %s is transient', (code, message) => {
  expect(connectionFailureOf(failure(code, message))).toBe('transient');
});

test.each([
  ['28P01', 'password authentication failed for user "u"'],
  ['28000', 'no pg_hba.conf entry for host'],
  ['3D000', 'database "x" does not exist'],
  ['08P01', 'unsupported startup parameter: options'],
  ['08P01', 'no such database: x'],
  ['08P01', 'server login has been failing, cached error: password authentication failed'],
  ['EACCES', ''],
  ['EPROTO', ''],
  ['ERR_TLS_CERT_ALTNAME_INVALID', ''],
  ['ERR_SSL_WRONG_VERSION_NUMBER', ''],
  ['SELF_SIGNED_CERT_IN_CHAIN', ''],
  ['CERT_HAS_EXPIRED', ''],
  [null, 'The server does not support SSL connections'],
])('%s %s is final', (code, message) => {
  expect(connectionFailureOf(failure(code, message))).toBe('final');
});

test.each([['42501'], ['42P01'], ['25006'], ['40001'], ['57014'], ['26000'], [null]])(
  '%s is no failure of a connection',
  (code) => {
    expect(connectionFailureOf(failure(code))).toBeNull();
    expect(connectionProblem('postgresql://u@db/mirror', failure(code))).toBeNull();
  },
);

test('a transient failure is a ServerUnavailable with the sentence of a final one', () => {
  const url = 'postgresql://u:hunter2@db:5432/mirror';
  const [transient, final] = ['57P01', '28P01'].map((code) =>
    connectionProblem(url, failure(code)),
  );
  expect(transient).toBeInstanceOf(ServerUnavailable);
  expect(transient).toMatchObject({ server: 'Postgres at db:5432', reason: '57P01' });
  expect(transient?.message).toMatch(
    /^Postgres at db:5432 cannot be used: 57P01\.\nCheck DATABASE/,
  );
  expect(final).toBeInstanceOf(OperatorError);
  expect(final).not.toBeInstanceOf(ServerUnavailable);
});
