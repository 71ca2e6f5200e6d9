import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Cluster, Redis } from 'ioredis';
import { type TestCluster, startCluster } from '../../../../test/support/redis-cluster.js';
import { type TestSentinels, startSentinels } from '../../../../test/support/redis-sentinel.js';
import { type TestRedis, startRedis } from '../../../../test/support/redis-server.js';
import { startTlsRedis } from '../../../../test/support/redis-tls.js';
import type { InsecureKind } from '../insecure.js';
import { OwnError } from '../errors.js';
import { createRuntime } from '../runtime.js';
import { parseRedisUrl } from './address.js';
import { RefusedServer, serverRuleOf } from './announced.js';
import { acceptsAnonymous } from './anonymous.js';
import {
  type RedisConnection,
  type RedisSettings,
  endConnection,
  onRedisError,
} from './connect.js';
import { type FoundRedis, findRedis, undiscoveredRedis } from './find.js';

/*
 * Servers that the connected servers announce. 0.0.0.0 reaches this machine but is not a loopback
 * address.
 */

const BEYOND = '0.0.0.0';
const PASSWORD = 'hunter2';
const rt = createRuntime({ service: 'test', logLevel: 'silent' });
const opened: RedisConnection[] = [];
afterEach(() => opened.splice(0).forEach(endConnection));

const settings = (redisUrl: string, more: Partial<RedisSettings> = {}): RedisSettings => ({
  redisUrl,
  redisPrefix: 'p',
  deployment: null,
  ...more,
});
const find = (redisUrl: string, more: Partial<RedisSettings> = {}): Promise<FoundRedis> =>
  findRedis(rt, settings(redisUrl, more), { isForQueues: false });

/** Opens a connection; `errors` contains the errors that it emitted. */
function open(found: FoundRedis): { connection: RedisConnection; errors: Error[] } {
  const connection = found.connect({ retryStrategy: () => 50, maxRetriesPerRequest: 1 });
  const errors: Error[] = [];
  opened.push(connection);
  onRedisError(connection, (error) => errors.push(error));
  return { connection, errors };
}

describe('a cluster on loopback', () => {
  let cluster: TestCluster;
  let nodes: Redis[];
  let url: string;
  /** A key of the last node. That node announces a different name in each test. */
  let key: string;

  beforeAll(async () => {
    cluster = await startCluster(3, 0);
    nodes = cluster.urls.map((one) => new Redis(one));
    for (const node of nodes)
      await node.config('SET', 'masterauth', PASSWORD, 'requirepass', PASSWORD);
    url = cluster.url.replace('://', `://:${PASSWORD}@`);
    key = await keyOf(nodes.at(-1)!);
    for (const node of nodes)
      await node.config(
        'SET',
        'cluster-announce-hostname',
        'localhost',
        'cluster-preferred-endpoint-type',
        'hostname',
      );
    await announce('localhost');
  }, 60_000);
  afterEach(() => announce('localhost'));
  afterAll(async () => {
    nodes.forEach(endConnection);
    await cluster.stop();
  });

  /**
   * Announces a name of the last node. Resolves with the node's `host:port` when the first node
   * reports it.
   */
  async function announce(hostname: string): Promise<string> {
    await nodes.at(-1)?.config('SET', 'cluster-announce-hostname', hostname);
    const server = `${hostname}:${new URL(cluster.urls.at(-1)!).port}`;
    await until(async () => {
      const slots = (await nodes[0]?.cluster('SLOTS')) ?? [];
      return slots.some(([, , ...of]) => of.some(([host, port]) => `${host}:${port}` === server));
    });
    return server;
  }

  test('that announces a node beyond loopback is refused in plaintext, with the name of the node and what to do', async () => {
    const server = await announce(BEYOND);
    const finding = find(url);
    await expect(finding).rejects.toThrow(
      `leads to ${server}, which is beyond loopback: REDIS_URL must begin with rediss:`,
    );
    await expect(finding).rejects.toThrow('SYNCLINE_ALLOW_INSECURE=redis allows plaintext');
    await expect(finding).rejects.not.toThrow(PASSWORD);
    await expect(find(url, { allowInsecure: ['redis-password'] })).rejects.toThrow(server);
  });

  test('that announces such a node later gets no password, and the others are used', async () => {
    const { connection, errors } = open(await find(url));
    await once(connection, 'ready');
    await connection.set(key, 'kept');
    const server = await announce(BEYOND);
    await nodes.at(-1)?.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    // A command detects the lost connection, and ioredis then asks the cluster for its nodes again.
    await until(() =>
      connection.get(key).then(
        () => false,
        (error) => error instanceof RefusedServer,
      ),
    );
    await expect(connection.get(key)).rejects.toThrow(`leads to ${server}`);
    await expect(connection.get(await keyOf(nodes[0]!))).resolves.toBeNull();
    expect(hostsOf(connection)).not.toContain(BEYOND);
    // BullMQ creates its blocking connections in this way.
    const copy = (connection as Cluster).duplicate();
    opened.push(copy);
    copy.on('error', () => undefined);
    await expect(copy.get(key)).rejects.toThrow(`leads to ${server}`);
    // Logs quote only the messages of this class.
    expect(errors.find(({ message }) => message.includes(server))).toBeInstanceOf(OwnError);

    await announce('localhost');
    await until(() =>
      connection.get(key).then(
        (value) => value === 'kept',
        () => false,
      ),
    );
  });

  test('is refused when another node than the first asks for no password', async () => {
    const server = await announce(BEYOND);
    const allowInsecure = ['redis'] as const;
    await expect(find(url, { allowInsecure })).resolves.toBeDefined();
    await nodes.at(-1)?.config('SET', 'requirepass', '');
    try {
      await expect(find(url, { allowInsecure })).rejects.toThrow(
        `Redis at ${server} accepts connections without a password`,
      );
    } finally {
      await nodes.at(-1)?.config('SET', 'requirepass', PASSWORD);
    }
  });

  test('may lead beyond loopback by permission', async () => {
    await announce(BEYOND);
    const { connection } = open(await find(url, { allowInsecure: ['redis'] }));
    await connection.set(key, 'allowed');
    expect(await connection.get(key)).toBe('allowed');
    expect(hostsOf(connection)).toContain(BEYOND);
  });
});

describe('sentinels on loopback', () => {
  let sentinels: TestSentinels;
  beforeAll(async () => void (sentinels = await startSentinels()), 60_000);
  afterAll(() => sentinels.stop());

  test('that name a master beyond loopback are refused in plaintext, also when they name it later', async () => {
    const { connection, errors } = open(await find(sentinels.url));
    await connection.set('k', 'v');
    const port = new URL(await sentinels.masterUrl()).port;
    await sentinels.announceMaster(BEYOND);
    const sentence = `leads to ${BEYOND}:${port}, which is beyond loopback: REDIS_URL must begin with rediss: (or rediss+sentinel:)`;
    await expect(find(sentinels.url)).rejects.toThrow(sentence);
    const { connection: unmet, errors: ofUnmet } = open(undiscoveredRedis(settings(sentinels.url)));
    await until(async () => ofUnmet.some((error) => error instanceof RefusedServer));
    expect(ofUnmet[0]?.message).toContain(sentence);
    expect(unmet.status).not.toBe('ready');

    connection.disconnect(true);
    await until(async () => errors.some((error) => error.message.includes(sentence)));
    expect(connection.status).not.toBe('ready');

    const allowed = open(await find(sentinels.url, { allowInsecure: ['redis'] }));
    expect(await allowed.connection.get('k')).toBe('v');
    await sentinels.announceMaster('127.0.0.1');
    await until(() =>
      connection.get('k').then(
        (value) => value === 'v',
        () => false,
      ),
    );
  }, 60_000);
});

test.each<[string, boolean, readonly InsecureKind[], string | null]>([
  ['rediss://:pw@localhost', false, [], null],
  ['rediss://localhost', true, [], null],
  ['rediss://localhost', false, [], 'REDIS_URL must have a password'],
  ['rediss://localhost', false, ['redis'], 'REDIS_URL must have a password'],
  ['rediss://localhost', false, ['redis-password'], null],
  ['redis://:pw@localhost', false, ['redis-password'], 'REDIS_URL must begin with rediss:'],
  ['redis://:pw@localhost', false, ['redis'], null],
  ['redis://localhost', false, ['redis'], 'REDIS_URL must have a password'],
  ['redis://localhost', false, ['redis', 'redis-password'], null],
])(
  'of %s (certificate: %p) with %p a server beyond loopback is refused by: %p',
  (url, cert, allowed, sentence) => {
    const rule = serverRuleOf(parseRedisUrl(url)!, cert, allowed);
    expect(rule?.({ host: '::1', port: 1 }) ?? null).toBeNull();
    const refused = rule?.({ host: 'fd00::2', port: 6379 })?.message ?? null;
    const expected = expect.stringMatching(`leads to \\[fd00::2\\]:6379, .*: ${sentence ?? ''}`);
    expect(refused).toEqual(sentence === null ? null : expected);
  },
);

test('a certificate counts for nothing where the server asks for none', async () => {
  const server = await startTlsRedis();
  const [ca, cert, key] = [server.files.ca, server.files.cert, server.files.key].map((file) =>
    readFileSync(file, 'utf8'),
  );
  const client = { cert: cert!, key: key! };
  const target = { address: parseRedisUrl(server.url)!, tls: { ca: ca!, client }, rule: null };
  const admin = new Redis(server.url, { tls: { ca, ...client } });
  try {
    expect(await acceptsAnonymous(target, 'p:k')).toBe(false);
    await admin.config('SET', 'tls-auth-clients', 'optional');
    expect(await acceptsAnonymous(target, 'p:k')).toBe(true);
    await admin.config('SET', 'requirepass', PASSWORD);
    expect(await acceptsAnonymous(target, 'p:k')).toBe(false);
  } finally {
    endConnection(admin);
    await server.stop();
  }
}, 30_000);

describe('a Redis beyond loopback', () => {
  const plaintext: Partial<RedisSettings> = { allowInsecure: ['redis'] };
  let redis: TestRedis;
  let admin: Redis;
  let url: string;
  beforeAll(async () => {
    redis = await startRedis();
    admin = new Redis(redis.url);
    url = redis.url.replace('127.0.0.1', `:${PASSWORD}@${BEYOND}`);
  });
  afterAll(async () => {
    endConnection(admin);
    await redis.stop();
  });

  test('that needs no password is refused, whatever REDIS_URL holds', async () => {
    await admin.call('ACL', 'SETUSER', 'app', 'on', `>${PASSWORD}`, '~*', '+@all');
    const finding = find(url.replace(':hunter2', 'app:hunter2'), plaintext);
    await expect(finding).rejects.toThrow('accepts connections without a password');
    await expect(finding).rejects.toThrow('SYNCLINE_ALLOW_INSECURE=redis-password allows it');
    const allowInsecure = ['redis', 'redis-password'] as const;
    await expect(
      find(url.replace(':hunter2', 'app:hunter2'), { allowInsecure }),
    ).resolves.toBeDefined();
  });

  test('that needs no password is refused also when that user may not read the keys', async () => {
    const asApp = url.replace(':hunter2', 'app:hunter2');
    await admin.call('ACL', 'SETUSER', 'app', 'on', `>${PASSWORD}`, '~*', '+@all');
    await admin.call('ACL', 'SETUSER', 'default', 'resetkeys', '-@all', '+acl', '+config');
    await expect(find(asApp, plaintext)).rejects.toThrow('accepts connections without a password');
    await admin.call('ACL', 'SETUSER', 'default', 'off');
    await expect(find(asApp, plaintext)).resolves.toBeDefined();
    await admin.call('ACL', 'SETUSER', 'default', 'on', 'allkeys', '+@all');
  });

  test('that asks for a password is taken with it', async () => {
    await admin.config('SET', 'requirepass', PASSWORD);
    await expect(find(url, plaintext)).resolves.toBeDefined();
    await admin.config('SET', 'requirepass', '');
  });

  test('on loopback may need no password', async () => {
    await expect(find(redis.url)).resolves.toBeDefined();
  });
});

/** Returns a key whose slot the node serves. */
async function keyOf(node: Redis): Promise<string> {
  for (let i = 0; i < 1_000; i++) {
    const answer = await node.exists(`p:${i}`).catch(() => null);
    if (answer !== null) return `p:${i}`;
  }
  throw new Error('the node serves no slot');
}

/** Returns the hosts with an open connection. */
function hostsOf(connection: RedisConnection): (string | undefined)[] {
  const nodes = connection instanceof Cluster ? connection.nodes() : [connection];
  return nodes.filter(({ status }) => status === 'ready').map(({ options }) => options.host);
}

async function until(met: () => Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 30_000; performance.now() < deadline;) {
    if (await met()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('it did not come that far within 30 s');
}
