import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './redis-server.js';

/** An nginx of a test's own on 127.0.0.1, with one server block. */
export interface TestNginx {
  port: number;
  stop(): Promise<void>;
}

/** Starts `nginx` with `server` inside its only server block, such as `location / { proxy_pass http://127.0.0.1:3000; }`. */
export async function startNginx(server: string): Promise<TestNginx> {
  const directory = await mkdtemp(path.join(tmpdir(), 'syncline-nginx-'));
  const port = await freePort();
  const file = path.join(directory, 'nginx.conf');
  await writeFile(file, configuration(directory, port, server));
  // Debian installs it in a directory that is not in an ordinary user's PATH.
  const env = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/usr/local/sbin` };
  const nginx = spawn('nginx', ['-p', directory, '-c', file, '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
  });
  const said: string[] = [];
  nginx.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const gone = once(nginx, 'exit');
  await Promise.race([
    listens(port),
    gone.then(() => Promise.reject(new Error(`nginx did not start: ${said.join('')}`))),
  ]);
  return {
    port,
    stop: async () => {
      nginx.kill('SIGTERM');
      await gone;
      await rm(directory, { recursive: true });
    },
  };
}

function configuration(directory: string, port: number, server: string): string {
  const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off;
master_process off;
pid ${directory}/nginx.pid;
events { worker_connections 256; }
http {
  access_log off;
  ${folders.map((name) => `${name}_temp_path ${directory}/${name};`).join('\n  ')}
  server {
    listen 127.0.0.1:${port};
    ${server}
  }
}
`;
}

async function listens(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isThere) return;
    await sleep(20);
  }
}
