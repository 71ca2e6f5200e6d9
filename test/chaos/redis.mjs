/**
 * A Redis of the chaos test's own, with an append-only file, that can be killed and restarted on
 * its port.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

export async function startRedis() {
  const port = await freePort();
  const directory = mkdtempSync(path.join(tmpdir(), 'syncline-chaos-redis-'));
  let server = await launch(port, directory);
  let restarting = Promise.resolve();
  return {
    url: `redis://127.0.0.1:${port}`,
    flush: () => command(port, 'FLUSHALL'),
    /** Restarts run one after the other: two servers cannot share one port. */
    restart(downMs) {
      const restart = async () => {
        await kill(server);
        await new Promise((resolve) => setTimeout(resolve, downMs));
        server = await launch(port, directory);
      };
      return (restarting = restarting.then(restart));
    },
    async stop() {
      await kill(server);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function launch(port, directory) {
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    directory,
    '--appendonly',
    'yes',
    '--save',
    '',
    '--maxmemory-policy',
    'noeviction',
  ];
  const server = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  server.stdout.setEncoding('utf8');
  for (let said = ''; !said.includes('Ready to accept connections');)
    said += String((await once(server.stdout, 'data'))[0]);
  server.stdout.resume();
  return server;
}

async function kill(server) {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, 'exit');
  server.kill('SIGKILL');
  await gone;
}

async function command(port, words) {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // It may be down just now: then there is nothing to flush.
  socket.resume(); // Unread data keeps the socket open.
  socket.end(`${words}\r\n`);
  await once(socket, 'close');
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}
