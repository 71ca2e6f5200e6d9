import { type Runtime, createRuntime } from '@syncline/runtime';
import { type Google, type GoogleOptions, openGoogle } from '../src/index.js';
import type { TokenStore } from '../src/stored-grant.js';
import { type TestRedis, startTestRedis } from './redis-server.js';
import { type StubGoogle, startStubGoogle } from './stub-google.js';

export const QUOTAS = {
  gmailUnitsPerUserMinute: 6_000,
  gmailUnitsPerProjectMinute: 1_200_000,
  gmailUnitsPerProjectDay: 80_000_000,
  calendarRequestsPerUserMinute: 600,
  calendarRequestsPerProjectMinute: 10_000,
  peopleRequestsPerUserMinute: 90,
  peopleRequestsPerProjectMinute: 1_000_000,
  gmailTier: 'new' as const,
};

/**
 * A stub Google, a Redis, and any number of `openGoogle` instances of one fleet that use them;
 * `stop` ends all of them.
 */
export interface Bench {
  redis: TestRedis;
  stub: StubGoogle;
  rt: Runtime;
  /** The prefix of every key of this test; `fresh` makes a new one. */
  prefix: string;
  tokens: TokenStore & {
    current: Map<string, string | null>;
    versions: Map<string, number>;
    rotations: string[];
  };
  open(over?: Partial<GoogleOptions>): Promise<Google>;
  fresh(): Promise<void>;
  stop(): Promise<void>;
}

export async function openBench(): Promise<Bench> {
  const redis = await startTestRedis();
  const opened: Google[] = [];
  const closeOpened = async (): Promise<void> => {
    await Promise.all(opened.splice(0).map((google) => google.close()));
  };
  const bench: Bench = {
    redis,
    stub: await startStubGoogle(),
    rt: createRuntime({ service: 'test', logLevel: 'silent' }),
    prefix: redis.prefix(),
    tokens: tokensInMemory(),
    open: async (over = {}) => {
      const google = await openGoogle(bench.rt, {
        apiUrl: bench.stub.url,
        clientId: 'client',
        clientSecret: 'secret',
        redisUrl: redis.url,
        quotas: QUOTAS,
        tokens: bench.tokens,
        redisPrefix: bench.prefix,
        deployment: null,
        ...over,
      });
      opened.push(google);
      return google;
    },
    fresh: async () => {
      await closeOpened();
      await bench.stub.close();
      bench.stub = await startStubGoogle();
      bench.prefix = redis.prefix();
      bench.tokens = tokensInMemory();
    },
    stop: async () => {
      await closeOpened();
      await bench.stub.close();
      await redis.stop();
    },
  };
  return bench;
}

/**
 * Every account has a grant unless the test removed it. Sealing only makes a token differ from its
 * plain text.
 */
function tokensInMemory(): Bench['tokens'] {
  const current = new Map<string, string | null>();
  const versions = new Map<string, number>();
  const rotations: string[] = [];
  return {
    current,
    versions,
    rotations,
    grant: async (accountId) => {
      const refreshToken = current.has(accountId) ? current.get(accountId) : `1//${accountId}`;
      return refreshToken
        ? { kind: 'stored', refreshToken, version: versions.get(accountId) ?? 0 }
        : { kind: 'none' };
    },
    seal: (accountId, plain) => Buffer.from(`${accountId}:${plain}`).toString('base64'),
    open: (accountId, sealed) => {
      const [owner, plain] = Buffer.from(sealed, 'base64').toString().split(':');
      if (owner !== accountId || plain === undefined) throw new Error('sealed for another account');
      return plain;
    },
    rotated: async (_accountId, refreshToken) => rotations.push(refreshToken) > 0,
  };
}
