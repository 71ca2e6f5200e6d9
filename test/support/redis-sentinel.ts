import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { freePort, startRedis, type TestRedis } from './redis-server.js';

/** A master, its replica and three sentinels for one test, all with passwords. */
export interface TestSentinels {
  /** `redis+sentinel://…`, with two of the sentinels. */
  url: string;
  /** Returns the URL of the current master. */
  masterUrl(): Promise<string>;
  /** Kills the master and waits until the sentinels have promoted the replica. */
  failOver(): Promise<void>;
  /** Makes the sentinels announce the master by this address from now on. */
  announceMaster(host: string): Promise<void>;
  stop(): Promise<void>;
}

const MASTER = 'main';
const PASSWORDS = { server: 'server/pw', sentinel: 'sentinel-pw' };
const SENTINELS = 3;
const DOWN_AFTER_MS = 500;

export async function startSentinels(): Promise<TestSentinels> {
  const directory = await mkdtemp(path.join(tmpdir(), 'syncline-sentinel-'));
  const secured = ['--requirepass', PASSWORDS.server, '--masterauth', PASSWORDS.server];
  const master = await startRedis([...secured, '--dir', directory]);
  const replica = await startRedis([
    ...secured,
    '--dir',
    directory,
    '--dbfilename',
    'replica.rdb',
    '--replicaof',
    '127.0.0.1',
    String(master.port),
    '--repl-diskless-sync-delay',
    '0',
  ]);
  const sentinels: TestRedis[] = [];
  for (let i = 0; i < SENTINELS; i++) {
    const file = path.join(directory, `sentinel-${i}.conf`);
    await writeFile(file, sentinelConfig(master.port));
    sentinels.push(await startRedis([], await freePort(), [file, '--sentinel']));
  }
  const watcher = new Redis({
    port: sentinels[0]?.port ?? 0,
    password: PASSWORDS.sentinel,
  });
  watcher.on('error', () => undefined);
  const masterPort = async (): Promise<number> => {
    const [, port] = (await watcher.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', MASTER)) as [
      string,
      string,
    ];
    return Number(port);
  };
  // A failover needs a known replica, and sentinels that know each other.
  await until(async () => {
    const masters = (await watcher.call('SENTINEL', 'MASTERS')) as string[][];
    const fields = masters[0] ?? [];
    const valueOf = (name: string): string => fields[fields.indexOf(name) + 1] ?? '';
    return valueOf('num-slaves') === '1' && valueOf('num-other-sentinels') === '2';
  });
  const hosts = sentinels.slice(0, 2).map(({ port }) => `127.0.0.1:${port}`);
  const serverUrl = (port: number): string =>
    `redis://:${encodeURIComponent(PASSWORDS.server)}@127.0.0.1:${port}`;
  return {
    url: `redis+sentinel://:${encodeURIComponent(PASSWORDS.server)}@${hosts.join(',')}/${MASTER}?sentinelPassword=${PASSWORDS.sentinel}`,
    masterUrl: async () => serverUrl(await masterPort()),
    failOver: async () => {
      await master.stop();
      await until(async () => (await masterPort()) === replica.port);
    },
    announceMaster: async (host) => {
      const port = await masterPort();
      await Promise.all(sentinels.map(({ port: at }) => nameMaster(at, host, port)));
    },
    stop: async () => {
      watcher.disconnect();
      await Promise.all([...sentinels, replica, master].map((server) => server.stop()));
      await rm(directory, { recursive: true });
    },
  };
}

async function nameMaster(sentinelPort: number, host: string, port: number): Promise<void> {
  const sentinel = new Redis({ port: sentinelPort, password: PASSWORDS.sentinel });
  try {
    await sentinel.call('SENTINEL', 'REMOVE', MASTER);
    await sentinel.call('SENTINEL', 'MONITOR', MASTER, host, port, 2);
    await sentinel.call('SENTINEL', 'SET', MASTER, 'auth-pass', PASSWORDS.server);
  } finally {
    sentinel.disconnect();
  }
}

function sentinelConfig(masterPort: number): string {
  return [
    `sentinel monitor ${MASTER} 127.0.0.1 ${masterPort} 2`,
    `sentinel auth-pass ${MASTER} ${PASSWORDS.server}`,
    `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${MASTER} 5000`,
    `requirepass ${PASSWORDS.sentinel}`,
    '',
  ].join('\n');
}

async function until(met: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 60_000; performance.now() < deadline;) {
    if (await met()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the sentinels did not come that far');
}
