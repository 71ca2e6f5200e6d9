export { assert, must, unreachable } from './assert.js';
export { type Backoff, backoffMs } from './backoff.js';
export type { Breath } from './breath.js';
export { type Clock, systemClock } from './clock.js';
export {
  type Config,
  type Push,
  type Quotas,
  type Requirement,
  type ResolvedConfig,
  loadConfig,
} from './config.js';
export {
  type DatabaseUrl,
  type SslMode,
  DEFAULT_SCHEMA,
  parseDatabaseUrl,
} from './database-url.js';
export { type Embedded, type EmbeddedOptions, startEmbedded } from './embedded/start.js';
export { makeDir } from './embedded/files.js';
export type { GoogleProxy } from './google-proxy.js';
export type { InsecureKind } from './insecure.js';
export { describeBug, describeError, stackFrames } from './describe-error.js';
export { leaveSignals } from './early-signals.js';
export { ConfigError, OperatorError, OwnError, ServerUnavailable } from './errors.js';
export type { Health, Need, ReadyAnswer } from './health.js';
export { type HealthProbe, runHealthProbe } from './health-probe.js';
export { hasBody } from './http/connections.js';
export {
  type Listener,
  type ListenerLimits,
  type ListenerOptions,
  isLoopbackHost,
  listen,
  originOf,
} from './http/listener.js';
export { metricsText } from './http/metrics-text.js';
export { FOREIGN_NAME, isLoopbackName } from './http/own-name.js';
export type { Log } from './log.js';
export { type LoopReport, openLoopReport, runLoop } from './loop.js';
export type { Metrics } from './metrics.js';
export { type Output, flushOutputs, stderr, stdout, stopWaitingForReaders } from './output.js';
export {
  type ProcessOptions,
  type Service,
  checkoutDir,
  logSurroundings,
  processEnvironment,
  runProcess,
} from './process.js';
export { isNetworkFailure } from './network-failure.js';
export { DEFAULT_PROJECT, type GoogleProject } from './projects.js';
export { type ServiceAccountKey, readServiceAccount } from './push-config.js';
export { type Random, systemRandom } from './random.js';
export { RepeatLimit } from './repeat-limit.js';
export * from './redis/index.js';
export { type Resolved, resolveConfig } from './resolve.js';
export { type Runtime, type RuntimeOptions, createRuntime } from './runtime.js';
export { type Explain, SERVER_WAIT_MS, unlessAborted, waitForServers } from './server-wait.js';
export { drainOnSignals, signalsReceived } from './signals.js';
export type { VariableName } from './variables.js';
