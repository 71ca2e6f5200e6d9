import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { serverUrl } from '../support/database.js';
import { freePort } from '../support/redis-server.js';

/**
 * docs/how-to/deployment.md, "Rehearsal", typed as written into one shell. Only names, ports and the folder
 * are others, since tests run beside each other.
 *
 * @needs pgbouncer redis-server redis-cli psql openssl curl
 */

const ROOT = path.resolve(__dirname, '../..');

test('the rehearsal of docs/how-to/deployment.md mirrors behind PgBouncer and a Redis Cluster, twice on one Redis, and leaves nothing', async () => {
  const { code, output } = await typed(await script());
  expect({ code, output }).toMatchObject({ code: 0 });
  expect(output).toContain('refused, as it should be');
  expect(output).toMatch(/REDIS_PREFIX/);
  expect(output.match(/checked, 0 missing, 0 extra, 0 stale/g)).toHaveLength(12);
  expect(output).not.toContain('Warning');
}, 240_000);

/** The section's commands in their order. Any that fails ends them. */
async function script(): Promise<string> {
  const page = await readFile(path.join(ROOT, 'docs/how-to/deployment.md'), 'utf8');
  const section = page.split('\n## Rehearsal\n')[1]?.split('\n## ')[0] ?? '';
  const blocks = [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block]) => block);
  expect(blocks.length).toBeGreaterThan(6);
  const server = new URL(serverUrl());
  const id = randomUUID().slice(0, 8);
  const replaced: [RegExp, string][] = [
    [/^export ADMINISTRATOR=.*$/m, `export ADMINISTRATOR='${server.href}'`],
    [/port=5432/g, `port=${server.port}`],
    [/rehearsal_(one|two)/g, `rehearsal_$1_${id}`],
    [/syncline_rehearsal/g, `syncline_rehearsal_${id}`],
    [/=\/tmp\/syncline-rehearsal/g, `=${path.join(tmpdir(), `syncline-rehearsal-${id}`)}`],
  ];
  for (const port of [6432, 7001, 7002, 7003, 4000])
    replaced.push([new RegExp(`\\b${port}\\b`, 'g'), String(await portOfNode())]);
  const commands = replaced.reduce((text, [from, to]) => text.replace(from, to), blocks.join(''));
  // Whatever fails, nothing stays behind.
  return `set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n${commands}`;
}

/** A node of a cluster listens on the port 10,000 above its own too. */
async function portOfNode(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (port <= 55_535) return port;
  }
}

async function typed(commands: string): Promise<{ code: number | null; output: string }> {
  const inherited = Object.entries(process.env).filter(([name]) =>
    ['PATH', 'HOME', 'TMPDIR'].includes(name),
  );
  const shell = spawn('bash', ['-c', commands], {
    cwd: ROOT,
    env: Object.fromEntries(inherited),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(shell, 'close')) as [number | null];
  return { code, output };
}
