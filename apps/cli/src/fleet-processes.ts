/** The programs of a fleet, and their environments. */
import { createServer } from 'node:net';
import path from 'node:path';
import {
  type Runtime,
  OperatorError,
  checkoutDir,
  isLoopbackHost,
  originOf,
} from '@syncline/runtime';
import { type ProgramName, childEnvironment } from './child-environment.js';
import type { ProcessSpec } from './processes.js';

/** Settings that the parent passes to its children. */
export interface FleetSettings {
  databaseUrl: string;
  redisUrl: string;
  redisPrefix: string;
  masterKey: Buffer;
  host: string;
  port: number;
  operatorHost: string;
  operatorPort: number;
}

/** The address of a fleet's API on this machine. */
export type ApiAddress = Pick<FleetSettings, 'host' | 'port' | 'operatorHost' | 'operatorPort'>;

const ANSWER_TIMEOUT_MS = 60_000;
const ASK_EVERY_MS = 200;

/**
 * Returns `env` with the settings. Their `_FILE` variants are removed, since a variable together
 * with its file is refused.
 */
export function fleetEnv(env: NodeJS.ProcessEnv, settings: FleetSettings): NodeJS.ProcessEnv {
  const {
    DATABASE_URL_FILE: _database,
    REDIS_URL_FILE: _redis,
    SYNCLINE_MASTER_KEY_FILE: _key,
    ...rest
  } = env;
  return {
    ...rest,
    DATABASE_URL: settings.databaseUrl,
    REDIS_URL: settings.redisUrl,
    REDIS_PREFIX: settings.redisPrefix,
    SYNCLINE_MASTER_KEY: settings.masterKey.toString('base64'),
    HOST: settings.host,
    PORT: String(settings.port),
    OPERATOR_HOST: settings.operatorHost,
    OPERATOR_PORT: String(settings.operatorPort),
  };
}

/**
 * Returns one scheduler, `workers` workers and one API, each with the part of `env` that it uses.
 * The scheduler serves its metrics on METRICS_PORT, the workers on the ports after it; the API has
 * a page of its own.
 */
export function fleetSpecs(env: NodeJS.ProcessEnv, workers: number): ProcessSpec[] {
  const { METRICS_PORT: base, ...rest } = env;
  const withMetrics = (offset: number): NodeJS.ProcessEnv =>
    base ? { ...rest, METRICS_PORT: base === '0' ? base : String(Number(base) + offset) } : rest;
  const numbered = Array.from({ length: workers }, (_, i) => ({
    name: `worker-${i + 1}`,
    script: programFile('worker'),
    env: childEnvironment('worker', withMetrics(i + 1)),
  }));
  return [
    {
      name: 'scheduler',
      script: programFile('scheduler'),
      env: childEnvironment('scheduler', withMetrics(0)),
    },
    ...numbered,
    { name: 'api', script: programFile('api'), env: childEnvironment('api', rest) },
  ];
}

/** Returns a port of this machine that is free now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() =>
        typeof address === 'object' && address !== null
          ? resolve(address.port)
          : reject(new Error('no port was given')),
      );
    });
  });
}

/** Returns the built file of a program. */
export function programFile(name: ProgramName): string {
  return path.join(
    checkoutDir(),
    name === 'simulator' ? 'packages' : 'apps',
    name,
    'dist',
    'main.js',
  );
}

/** Replaces each port 0 by a free port, so that the URLs of the API are known here. */
export async function withPorts<T extends Pick<ApiAddress, 'port' | 'operatorPort'>>(
  settings: T,
): Promise<T> {
  const { port, operatorPort } = settings;
  return {
    ...settings,
    port: port === 0 ? await freePort() : port,
    operatorPort: operatorPort === 0 ? await freePort() : operatorPort,
  };
}

/**
 * Returns the URLs for a person and for a monitoring system. The board is served on loopback only.
 */
export function urlsOf({ host, port, operatorHost, operatorPort }: ApiAddress): string[] {
  const operators = originOf(operatorHost, operatorPort);
  return [
    ...(isLoopbackHost(operatorHost) ? [`board    ${operators}/board`] : []),
    `metrics  ${operators}/metrics`,
    `health   ${originOf(host, port)}/readyz`,
  ];
}

/**
 * Waits until the API answers.
 * @throws OperatorError when nothing answered within a minute; the signal's reason when it is aborted
 */
export async function whenApiAnswers(
  rt: Runtime,
  { host, port }: Pick<ApiAddress, 'host' | 'port'>,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = rt.clock.nowMs() + ANSWER_TIMEOUT_MS;
  while (!(await answers(`${originOf(host, port)}/livez`))) {
    if (rt.clock.nowMs() > deadlineMs)
      throw new OperatorError(`The API does not answer on port ${port}; its log says why.`);
    await rt.clock.sleep(ASK_EVERY_MS, signal);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false; // Not listening yet.
  }
}
