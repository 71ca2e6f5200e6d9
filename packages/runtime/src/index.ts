export { assert, must, unreachable } from './assert.js';
export { backoffMs } from './backoff.js';
export { type Clock, systemClock } from './clock.js';
export { comparableAddress } from './comparable-address.js';
export {
  type Config,
  type Requirement,
  type ResolvedConfig,
  UNNAMED_APP,
  loadConfig,
} from './config.js';
export { type DatabaseUrl, DEFAULT_SCHEMA, parseDatabaseUrl } from './database-url.js';
export { startEmbedded } from './embedded/start.js';
export { makeDir } from './embedded/files.js';
export type { GoogleProxy } from './google-proxy.js';
export { describeBug, describeError, stackFrames } from './describe-error.js';
export { restoreSignals } from './early-signals.js';
export { OperatorError, OwnError, ServerUnavailable } from './errors.js';
export { runHealthProbe } from './health-probe.js';
export { hasBody } from './http/connections.js';
export type { LogFields } from './log-fields.js';
export {
  type Listener,
  type ListenerLimits,
  isLoopbackHost,
  listen,
  originOf,
} from './http/listener.js';
export { metricsText } from './http/metrics-text.js';
export { FOREIGN_NAME, isLoopbackName } from './http/own-name.js';
export { type LoopReport, openLoopReport, runLoop } from './loop.js';
export { flushOutputs, stderr, stdout, stopWaitingForReaders } from './output.js';
export {
  type Service,
  checkoutDir,
  productVersion,
  logSurroundings,
  processEnvironment,
  runProcess,
} from './process.js';
export { isNetworkFailure } from './network-failure.js';
export { DEFAULT_PROJECT, type GoogleProject } from './projects.js';
export {
  channelAddressAt,
  readServiceAccount,
  RESOURCE_VARIABLES,
  topicsWithoutSubscription,
} from './resources/index.js';
export { RepeatLimit } from './repeat-limit.js';
export * from './redis/index.js';
export { hasOAuthClient, type Resolved, resolveConfig } from './resolve.js';
export { type Runtime, createRuntime } from './runtime.js';
export { type Explain, SERVER_WAIT_MS, unlessAborted, waitForServers } from './server-wait.js';
export { drainOnSignals, signalsReceived } from './signals.js';
export type { VariableName } from './variables.js';
