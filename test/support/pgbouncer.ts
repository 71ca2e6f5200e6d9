import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { apiUrlOf, serverUrl } from './database.js';
import { freePort } from './redis-server.js';

/** A PgBouncer before the test's Postgres, for all of its databases. */
export interface TestPgBouncer {
  /** Returns the URL of a database through PgBouncer. */
  urlOf(databaseUrl: string): string;
  /** Its log lines. */
  output: string[];
  stop(): Promise<void>;
}

const DEPLOYMENT = path.resolve(__dirname, '../../docs/how-to/deployment.md');

/**
 * Starts `pgbouncer` with the configuration of docs/how-to/deployment.md, with its addresses
 * replaced and `settings` appended. PgBouncer refuses to run as root, so it runs as another user
 * then.
 */
export async function startPgBouncer(
  settings: Record<string, string> = {},
): Promise<TestPgBouncer> {
  const directory = await mkdtemp(path.join(tmpdir(), 'syncline-pgbouncer-'));
  const port = await freePort();
  const server = new URL(serverUrl());
  const file = path.join(directory, 'pgbouncer.ini');
  const users = path.join(directory, 'userlist.txt');
  const roles = [server, new URL(apiUrlOf({ url: server.href }))].map(
    ({ username, password }) => `"${username}" "${decodeURIComponent(password)}"\n`,
  );
  await writeFile(users, roles.join(''));
  await writeFile(file, withSettings(await documented({ server, port, users }), settings));
  await chmod(directory, 0o755);
  for (const readable of [file, users]) await chmod(readable, 0o644);
  const asUser = process.getuid?.() === 0 ? await anotherUser() : {};
  // Debian installs it in a directory that is not in an ordinary user's PATH.
  const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` };
  const child = spawn('pgbouncer', [file], { stdio: ['ignore', 'ignore', 'pipe'], env, ...asUser });
  const output: string[] = [];
  await isUp(child, output);
  return {
    urlOf: (databaseUrl) => {
      const url = new URL(databaseUrl);
      url.host = `127.0.0.1:${port}`;
      return url.href;
    },
    output,
    stop: async () => {
      const gone = once(child, 'exit');
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await gone;
      await rm(directory, { recursive: true });
    },
  };
}

/** Returns the first block of the page that is a pgbouncer.ini. */
async function documented(at: { server: URL; port: number; users: string }): Promise<string> {
  const page = await readFile(DEPLOYMENT, 'utf8');
  const ini = /```ini\n(\[databases\][^`]*)```/.exec(page)?.[1];
  if (ini === undefined) throw new Error('docs/how-to/deployment.md has no pgbouncer.ini');
  return ini
    .replace(/^\S+ = host=.*$/m, `* = host=${at.server.hostname} port=${at.server.port}`)
    .replace(/^listen_port = .*$/m, `listen_port = ${at.port}`)
    .replace(/^auth_file = .*$/m, `auth_file = ${at.users}`)
    .replace(/^(logfile|pidfile) = .*$/gm, '');
}

function withSettings(ini: string, settings: Record<string, string>): string {
  let changed = `${ini}\nunix_socket_dir =\n`;
  for (const [name, value] of Object.entries(settings))
    changed = `${changed.replace(new RegExp(`^${name} = .*$`, 'm'), '')}${name} = ${value}\n`;
  return changed;
}

async function anotherUser(): Promise<{ uid: number; gid: number }> {
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const found =
    users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (!found) throw new Error('there is no user postgres or nobody to run pgbouncer as');
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

async function isUp(child: ChildProcess, output: string[]): Promise<void> {
  if (child.stderr === null) throw new Error('pgbouncer writes to a pipe');
  const lines = createInterface({ input: child.stderr });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      output.push(line);
      if (line.includes('process up')) resolve();
    });
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`pgbouncer did not start:\n${output.join('\n')}`)));
  });
}
