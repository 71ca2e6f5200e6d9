/**
 * The life cycle of a process, which is the same for all processes:
 *
 * config → embedded servers if needed → start → ready → SIGTERM, SIGINT or SIGHUP → drain → exit 0
 *
 * Draining is bounded. After the deadline the process ends with exit code 0 all the same: leases
 * and epochs make an abandoned page harmless, and an orchestrator would kill the process a moment
 * later. A second signal ends the process immediately. An uncaught error (`unhandledRejection`,
 * `uncaughtException`) ends the process with one log line, because its state is undefined.
 */
import { setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Config, type Requirement, type ResolvedConfig, loadConfig } from './config.js';
import { describeBug, stackFrames } from './describe-error.js';
import { OperatorError } from './errors.js';
import { proxyForLog } from './google-proxy.js';
import { insecurityText, isUnverified } from './insecure.js';
import { collectProcessMetrics } from './metrics.js';
import { serveMetrics } from './http/metrics-server.js';
import { flushOutputs, stderr } from './output.js';
import { resolveConfig } from './resolve.js';
import { type Runtime, createRuntime } from './runtime.js';
import { SERVER_WAIT_MS } from './server-wait.js';
import { drainOnSignals, signalsReceived } from './signals.js';

/** The sum of these two and FLUSH_LIMIT_MS is below the documented 8 s in which a process ends. */
const DRAIN_DEADLINE_MS = 5_500;
const RELEASE_DEADLINE_MS = 1_500;
/** Maximum wait for a slow or stopped reader of the last output. */
const FLUSH_LIMIT_MS = 500;
/** A timer of any length keeps the process alive. Signal handlers alone do not. */
const KEEP_ALIVE_MS = 60_000;
/**
 * Each loop, call and stream of the API listens for the drain signal. Node prints a warning on
 * standard error from the eleventh listener on.
 */
const DRAIN_LISTENERS = 10_000;

export interface Service {
  /**
   * Accepts no new work, finishes or abandons the running work, and releases all resources. Bounded
   * in time.
   */
  drain(): Promise<void>;
  /**
   * For a service that ends by itself: resolves with the exit code of the process. The service is
   * drained afterwards in this case too.
   */
  finished?: Promise<number>;
}

export interface ProcessOptions {
  /** Settings that this process requires. Default: a Google client and the master key. */
  requires?: readonly Requirement[];
  /** Destination of the log. Default stdout. */
  stdout?: 'stderr' | 'stdout';
  /** Serves `/livez`, `/readyz` and `/metrics` on METRICS_PORT, if that is set. */
  servesMetrics?: boolean;
  /**
   * Maximum duration of a drain; the remaining work is abandoned after it. Default 5.5 s, which
   * leaves 2.5 s of the documented 8 s.
   */
  drainDeadlineMs?: number;
}

interface Drain {
  draining: AbortController;
  deadlineMs: number;
  /** Returns the remaining time; the full deadline before draining begins. */
  leftMs(): number;
}

type Start = (rt: Runtime, config: ResolvedConfig) => Promise<Service>;

/** Runs a service until a signal arrives or the service ends, then ends the process. */
export async function runProcess(
  service: string,
  start: Start,
  options: ProcessOptions = {},
): Promise<void> {
  const draining = new AbortController();
  setMaxListeners(DRAIN_LISTENERS, draining.signal);
  drainOnSignals(draining);
  const keepAlive = setInterval(() => {}, KEEP_ALIVE_MS);
  await signalsReceived();
  let rt: Runtime | null = null;
  try {
    const config = loadConfig(process.env, checkoutDir(), options.requires);
    rt = createRuntime({
      service,
      logLevel: config.logLevel,
      stdout: options.stdout ?? 'stdout',
      signal: draining.signal,
      serverWaitMs: SERVER_WAIT_MS.program,
    });
    const effective = options.servesMetrics ? config : { ...config, metricsPort: null };
    const drain = drainWithin(draining, options.drainDeadlineMs ?? DRAIN_DEADLINE_MS);
    process.exitCode = await run(rt, start, effective, drain);
  } catch (error) {
    process.exitCode = 1;
    if (error instanceof OperatorError) stderr().put(`${error.message}\n`);
    else if (rt) logBug(rt, 'failed', error);
    else stderr().put(`${describeBug(error)}\n`);
  }
  await flushOutputs(FLUSH_LIMIT_MS);
  clearInterval(keepAlive);
  process.exit();
}

/** Returns the path of the checkout that contains this code. */
export function checkoutDir(): string {
  return path.resolve(__dirname, '..', '..', '..');
}

/** Returns the version of the root's package.json. */
export function productVersion(): string {
  const { version } = JSON.parse(
    readFileSync(path.join(checkoutDir(), 'package.json'), 'utf8'),
  ) as { version: string };
  return version;
}

/**
 * Returns the environment of this process, for `loadConfig` in a short command and for child
 * processes.
 */
export function processEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}

/** Runs from the start of the embedded servers to their release. Returns the exit code. */
async function run(rt: Runtime, start: Start, config: Config, drain: Drain): Promise<number> {
  collectProcessMetrics(rt.metrics);
  logSurroundings(rt, config);
  warnOfUnverified(rt, config);
  const metrics =
    config.metricsPort === null
      ? null
      : await serveMetrics(rt, config.operatorHost, config.metricsPort);
  if (metrics)
    rt.log.info(
      { event: 'metrics', port: metrics.port, url: `${metrics.origin}/metrics` },
      'metrics are available',
    );
  const log = (line: string): void => rt.log.info({ event: 'embedded' }, line);
  try {
    const resolved = await unlessDrained(rt, resolveConfig(config, log, rt.signal), drain);
    if (resolved === null) return 0;
    const releaseInTime = once(() => release(rt, resolved.release));
    endOnCrash(rt, releaseInTime);
    try {
      return await live(rt, () => start(rt, resolved.config), drain);
    } finally {
      await releaseInTime();
    }
  } finally {
    void metrics?.close(rt);
  }
}

/** Logs, at each start, the insecure kinds that the operator has allowed and the proxy. */
export function logSurroundings(
  { log }: Runtime,
  { allowInsecure, google }: Pick<Config, 'allowInsecure' | 'google'>,
): void {
  for (const kind of allowInsecure)
    log.warn(
      { event: 'insecure_allowed', kind },
      `SYNCLINE_ALLOW_INSECURE: ${insecurityText(kind)}`,
    );
  if (google.proxy)
    log.info(
      { event: 'proxy_configured', ...proxyForLog(google.proxy) },
      'Google is reached through a proxy',
    );
}

/**
 * Long-running programs log this and commands do not, because many managed databases are used in
 * this way.
 */
function warnOfUnverified({ log }: Runtime, { databaseUrl }: Config): void {
  if (isUnverified(databaseUrl))
    log.warn(
      { event: 'postgres_not_verified' },
      'DATABASE_URL has sslmode=require: the certificate of Postgres is not verified, so another server could impersonate it; use sslmode=verify-full',
    );
}

/** Runs from the start to the end of draining. Returns the exit code. */
async function live(rt: Runtime, start: () => Promise<Service>, drain: Drain): Promise<number> {
  if (rt.signal.aborted) return 0;
  const service = await unlessDrained(rt, start(), drain);
  if (service === null) return 0;
  rt.health.started();
  rt.log.info({ event: 'ready' }, 'ready');
  const code = await Promise.race([
    aborted(rt.signal),
    service.finished ?? new Promise<never>(() => {}),
  ]);
  drain.draining.abort();
  rt.log.info({ event: 'draining' }, 'draining');
  const inTime = await within(drain.leftMs(), service.drain());
  if (!inTime)
    rt.log.warn(
      { event: 'drain_deadline_passed', deadlineMs: drain.deadlineMs },
      'the drain deadline passed; unfinished work is abandoned',
    );
  rt.log.info({ event: 'stopped' }, 'stopped');
  return code;
}

/**
 * Returns the result of a start. Returns null when a signal ended the start, or when it did not
 * complete in time after a signal.
 */
async function unlessDrained<T>(
  rt: Runtime,
  starting: Promise<T>,
  drain: Drain,
): Promise<T | null> {
  const started = starting.catch((error: unknown) => {
    if (rt.signal.aborted) return null; // The start was interrupted, so its error is expected.
    throw error;
  });
  await Promise.race([started, aborted(rt.signal)]);
  let result: T | null = null;
  await within(
    drain.leftMs(),
    started.then((done) => (result = done)),
  );
  return result;
}

/**
 * One deadline for an interrupted start and the draining after it. It is counted from the beginning
 * of the draining.
 */
function drainWithin(draining: AbortController, deadlineMs: number): Drain {
  let beganMs: number | null = null;
  const begin = (): void => void (beganMs ??= performance.now());
  draining.signal.addEventListener('abort', begin, { once: true });
  if (draining.signal.aborted) begin();
  const spentMs = (): number => (beganMs === null ? 0 : performance.now() - beganMs);
  return { draining, deadlineMs, leftMs: () => Math.max(0, deadlineMs - spentMs()) };
}

/**
 * Releases the embedded servers. After a failure a server keeps running, and the next start takes
 * it over.
 */
async function release(rt: Runtime, embedded: () => Promise<void>): Promise<void> {
  try {
    const inTime = await within(RELEASE_DEADLINE_MS, embedded());
    if (!inTime)
      rt.log.warn({ event: 'release_deadline_passed' }, 'the embedded servers are still stopping');
  } catch (error) {
    rt.log.warn(
      { event: 'release_failed', err: error },
      'the embedded servers could not be released',
    );
  }
}

function endOnCrash(rt: Runtime, releaseInTime: () => Promise<void>): void {
  let crashed = false;
  const crash = (error: unknown): void => {
    if (crashed) return; // Later errors are consequences of the first one.
    crashed = true;
    logBug(rt, 'crashed', error);
    process.exitCode = 1;
    void endAfter(releaseInTime);
  };
  process.on('unhandledRejection', crash);
  process.on('uncaughtException', crash);
}

async function endAfter(releaseInTime: () => Promise<void>): Promise<never> {
  await releaseInTime();
  await flushOutputs(FLUSH_LIMIT_MS);
  process.exit();
}

/** Logs the stack at every log level, because a bug cannot be fixed without its location. */
function logBug(rt: Runtime, event: string, error: unknown): void {
  rt.log.fatal(
    { event, err: error, stack: stackFrames(error).join('\n') },
    'the process ends because of an unexpected error',
  );
}

/** Resolves with exit code 0 when the signal is aborted. */
function aborted(signal: AbortSignal): Promise<number> {
  if (signal.aborted) return Promise.resolve(0);
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(0), { once: true }),
  );
}

/** Whether `work` finished in time. Rejects with its error. */
async function within(deadlineMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>(
    (resolve) => (timer = setTimeout(() => resolve(false), deadlineMs)),
  );
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function once(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  return () => (running ??= action());
}
