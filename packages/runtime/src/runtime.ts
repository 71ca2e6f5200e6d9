import { type EventLoop, createEventLoop } from './event-loop.js';
import { type Clock, systemClock } from './clock.js';
import { type Health, createHealth } from './health.js';
import { type Log, createLog } from './log.js';
import { type Metrics, createMetrics } from './metrics.js';
import { type Random, systemRandom } from './random.js';

/**
 * The dependencies of all code on the process and its environment. It is the first parameter
 * everywhere.
 */
export interface Runtime {
  log: Log;
  metrics: Metrics;
  /** The state that `/readyz` reports. */
  health: Health;
  clock: Clock;
  random: Random;
  /** The event loop of the process, which long work shares with other work. */
  eventLoop: EventLoop;
  /** Aborted when draining starts. */
  signal: AbortSignal;
  /** Maximum wait of a start for an unavailable server (`server-wait.ts`); 0 means no wait. */
  serverWaitMs: number;
}

export interface RuntimeOptions {
  /** The kind of process: `worker`, `scheduler`, `api`, `cli`… It is on every log line. */
  service: string;
  /** One of pino's levels, or `silent`. */
  logLevel: string;
  signal?: AbortSignal;
  /** Default 0. */
  serverWaitMs?: number;
  /** Destination of log lines. A command whose output is data logs to stderr. Default `stdout`. */
  stdout?: 'stderr' | 'stdout';
  /** For tests that control time or randomness. */
  clock?: Clock;
  random?: Random;
}

export function createRuntime(options: RuntimeOptions): Runtime {
  const clock = options.clock ?? systemClock;
  const metrics = createMetrics();
  const signal = options.signal ?? new AbortController().signal;
  return {
    log: createLog(options.service, options.logLevel, options.stdout ?? 'stdout'),
    metrics,
    health: createHealth(clock, metrics, signal),
    clock,
    random: options.random ?? systemRandom,
    eventLoop: createEventLoop(clock),
    signal,
    serverWaitMs: options.serverWaitMs ?? 0,
  };
}
