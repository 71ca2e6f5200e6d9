import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/**
 * All metrics of Syncline. Names, units and labels are API because dashboards depend on them.
 * Labels have small closed sets of values. No account, tenant, address or calendar id is a label,
 * so that ten thousand accounts need as many series as one.
 */
function declare(registry: Registry) {
  const make = makersFor(registry);
  return {
    ...googleMetrics(make),
    ...storeMetrics(make),
    ...syncMetrics(make),
    ...notificationMetrics(make),
    ...apiMetrics(make),
    ...fleetMetrics(make),
    ...populationMetrics(make),
    ...processMetrics(make),
  };
}

type Makers = ReturnType<typeof makersFor>;

function makersFor(registry: Registry) {
  return {
    counter: <L extends string>(name: string, help: string, labelNames: L[] = []) =>
      new Counter<L>({ name, help, labelNames, registers: [registry] }),
    gauge: <L extends string>(name: string, help: string, labelNames: L[] = []) =>
      new Gauge<L>({ name, help, labelNames, registers: [registry] }),
    seconds: <L extends string>(
      name: string,
      help: string,
      buckets: number[],
      labelNames: L[] = [],
    ) => new Histogram<L>({ name, help, buckets, labelNames, registers: [registry] }),
  };
}

function googleMetrics({ counter, seconds }: Makers) {
  return {
    googleRequests: counter(
      'syncline_google_requests_total',
      'Calls to Google, by method and result',
      ['api', 'method', 'code', 'reason'],
    ),
    googleRequestSeconds: seconds(
      'syncline_google_request_seconds',
      'How long Google took to answer',
      [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      ['api', 'method'],
    ),
    googleQuotaUnits: counter(
      'syncline_google_quota_units_total',
      'Quota units spent, retries included',
      ['api', 'method'],
    ),
    itemsWithoutId: counter(
      'syncline_items_without_id_total',
      'Items without an id in answers of Google, counted again in each answer',
      ['method'],
    ),
    quotaWaitSeconds: seconds(
      'syncline_quota_wait_seconds',
      'How long a granted call waited for quota',
      [0.001, 0.01, 0.05, 0.25, 1, 5],
      ['lane'],
    ),
    quotaDenied: counter(
      'syncline_quota_denied_total',
      'Calls that were postponed because quota was used up',
      ['scope', 'lane'],
    ),
    tokenRefreshes: counter(
      'syncline_token_refresh_total',
      'Requests for an access token, by outcome',
      ['outcome'],
    ),
  };
}

function storeMetrics({ counter, gauge }: Makers) {
  return {
    preparedStatements: gauge(
      'syncline_postgres_prepared_statements',
      '1 while named prepared statements are used, 0 when a connection pooler does not support them',
    ),
    messagesStored: counter('syncline_messages_stored_total', 'Messages written to the mirror'),
    changesEmitted: counter('syncline_changes_emitted_total', 'Change events appended', [
      'entity',
      'op',
    ]),
    fencedWrites: counter(
      'syncline_fenced_writes_total',
      'Commits refused because the lease was lost',
    ),
    quarantined: counter(
      'syncline_quarantined_items_total',
      'Items quarantined because they could not be fetched, read or stored',
      ['entity'],
    ),
  };
}

function syncMetrics({ counter, seconds }: Makers) {
  return {
    syncOutcomes: counter('syncline_sync_outcomes_total', 'Runs of a collection, by outcome', [
      'kind',
      'outcome',
    ]),
    syncSliceSeconds: seconds(
      'syncline_sync_slice_seconds',
      'How long a run of a collection took',
      [0.05, 0.25, 1, 2.5, 5, 10, 30, 60],
      ['kind'],
    ),
    sweepsConfirmed: counter(
      'syncline_held_sweeps_confirmed_total',
      'Held sweeps that a second full listing confirmed',
      ['kind'],
    ),
    sweepsDiscarded: counter(
      'syncline_held_sweeps_discarded_total',
      'Full listings that were discarded because Google still has items that they lack',
      ['kind'],
    ),
    reconcileDrift: counter(
      'syncline_reconcile_drift_total',
      'Items that an audit found to differ from Google',
      ['kind'],
    ),
  };
}

function notificationMetrics({ counter, seconds }: Makers) {
  return {
    notifications: counter(
      'syncline_notifications_total',
      'Push notifications of Google, by transport and outcome',
      ['via', 'outcome'],
    ),
    notificationSeconds: seconds(
      'syncline_notification_seconds',
      'Time from the arrival of a push notification to its answer',
      [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5],
      ['via'],
    ),
    pushToStoredSeconds: seconds(
      'syncline_push_to_stored_seconds',
      'Time from a push notification to the commit of the change that it announced',
      [0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10, 60],
      ['kind'],
    ),
    incrementalChanges: counter(
      'syncline_incremental_changes_total',
      'Rows changed by incremental syncs, by whether a push notification or polling found the change',
      ['kind', 'via'],
    ),
    watchWork: counter('syncline_watch_work_total', 'Work on watches and channels, by outcome', [
      'outcome',
    ]),
    silentWatches: counter(
      'syncline_silent_watches_total',
      'Polls that found a change without a push notification',
      ['kind'],
    ),
  };
}

function apiMetrics({ counter, gauge, seconds }: Makers) {
  return {
    apiSeconds: seconds(
      'syncline_api_seconds',
      'How long a request of the HTTP API took, by route and status; waiting included',
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30],
      ['route', 'status'],
    ),
    apiStreams: gauge('syncline_api_streams', 'Open streams of the HTTP API'),
    connects: counter(
      'syncline_connect_total',
      'Attempts of end users to connect an account by the connect page, by outcome',
      ['outcome'],
    ),
    authFailures: counter(
      'syncline_auth_failures_total',
      'Requests of the HTTP API without a valid key, by cause',
      ['why'],
    ),
  };
}

function fleetMetrics({ counter, gauge, seconds }: Makers) {
  return {
    schedulerTickSeconds: seconds(
      'syncline_scheduler_tick_seconds',
      'How long a round of the scheduler took',
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
    ),
    schedulerClaimed: counter(
      'syncline_scheduler_claimed_total',
      'Collections that the scheduler added to a queue',
      ['queue'],
    ),
    queueJobs: gauge('syncline_queue_jobs', 'Jobs by queue and state', ['queue', 'state']),
    oldestJobAgeSeconds: gauge(
      'syncline_oldest_job_age_seconds',
      'How long the oldest waiting job has waited',
      ['queue'],
    ),
    workerStarvingSeconds: gauge(
      'syncline_worker_starving_seconds',
      'How long jobs have waited while this worker took none of them',
      ['queue'],
    ),
    deadWorkers: counter(
      'syncline_dead_workers_total',
      'Dead workers whose jobs were given to other workers',
    ),
    rowsPruned: counter('syncline_pruned_rows_total', 'Rows that retention deleted, by table', [
      'table',
    ]),
    jobsProcessed: counter('syncline_jobs_total', 'Jobs, by outcome', ['queue', 'outcome']),
  };
}

/** Accounts and watches, measured by the API when its metrics are requested. */
function populationMetrics({ gauge }: Makers) {
  return {
    accounts: gauge('syncline_accounts', 'Accounts by state', ['state']),
    heldSweeps: gauge(
      'syncline_held_sweeps',
      'Collections with a held sweep: rows that the last full listing lacks are kept until another listing',
      ['kind'],
    ),
    feedUndistributed: gauge(
      'syncline_feed_undistributed_seconds',
      "Age of the oldest commit whose events have no place in the order of a tenant's feed",
    ),
    watches: gauge('syncline_watches', 'Watches and channels by kind of collection and state', [
      'kind',
      'state',
    ]),
  };
}

function processMetrics({ counter }: Makers) {
  return {
    loopFailures: counter('syncline_loop_failures_total', 'Failed rounds of loops, by loop', [
      'loop',
    ]),
  };
}

/** The process's metrics, and the registry that `/metrics` prints. */
export type Metrics = ReturnType<typeof declare> & { readonly registry: Registry };

export function createMetrics(): Metrics {
  const registry = new Registry();
  return { ...declare(registry), registry };
}

/**
 * Adds memory, CPU and event loop of this process. Call it once per process: it installs observers
 * that are never removed.
 */
export function collectProcessMetrics(metrics: Metrics): void {
  collectDefaultMetrics({ register: metrics.registry });
}
