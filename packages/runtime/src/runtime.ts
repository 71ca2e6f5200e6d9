import { type EventLoop, createEventLoop } from './event-loop.js';
import { type Clock, systemClock } from './clock.js';
import { type Health, createHealth } from './health.js';
import { type Log, createLog } from './log.js';
import { type Metrics, createMetrics } from './metrics.js';
import { type Random, systemRandom } from './random.js';

/** What every part of a process may use of the world around it. Passed first, everywhere. */
export interface Runtime {
  log: Log;
  metrics: Metrics;
  /** What `/readyz` tells. */
  health: Health;
  clock: Clock;
  random: Random;
  /** The process' one event loop, which long work shares with whoever waits. */
  eventLoop: EventLoop;
  /** Aborted when draining starts. */
  signal: AbortSignal;
  /** How long a start waits for a server that is away (`server-wait.ts`); 0 is not at all. */
  serverWaitMs: number;
}

export interface RuntimeOptions {
  /** Which process this is: `worker`, `scheduler`, `api`, `cli`… It is on every log line. */
  service: string;
  /** One of pino's levels, or `silent`. */
  logLevel: string;
  signal?: AbortSignal;
  /** Default 0. */
  serverWaitMs?: number;
  /** Where log lines go. A command whose output is data logs to stderr. Default `stdout`. */
  stdout?: 'stderr' | 'stdout';
  /** For tests that own time or chance. */
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
