import { GoogleError, type Google } from '@syncline/google';
import type { Runtime } from '@syncline/runtime';
import type { Resource, Store } from '@syncline/store';
import { callerOf } from './caller.js';
import { resourceModule } from './resources/index.js';
import { answerOf, codeOf, type AnswerKind } from './error-outcomes.js';
import { probeDelayMs, projectTryDelayMs } from './probe-schedule.js';

/*
 * Probes whether a refusal has passed. Any number of workers do this; rows in Postgres are the
 * schedule, so a worker that crashes during a probe costs a minute. A project is tried by one
 * waiting account for all; accounts are probed individually and rarely.
 */

interface ProbeDeps {
  store: Pick<Store, 'projects' | 'probes' | 'accounts' | 'quota'>;
  google: Google;
}

type DueTry = Awaited<ReturnType<Store['projects']['claimDue']>>[number];
type DueProbe = Awaited<ReturnType<Store['probes']['claimDue']>>[number];

const VISIBILITY_MS = 60_000;
const ACCOUNTS_AT_ONCE = 10;
/** The delay after an inconclusive response of Google. */
const UNDECIDED_DELAY_MS = 5_000;

/**
 * Probes once each due project that Google refuses.
 * @throws any error that is not Google's
 */
export async function tryProjects(rt: Runtime, deps: ProbeDeps): Promise<void> {
  const { projects } = deps.google;
  const due = await deps.store.projects.claimDue({ projects, visibilityMs: VISIBILITY_MS });
  for (const one of due) await tryProject(rt, deps, one);
}

/**
 * Probes once each due account whose refusal may have passed.
 * @throws any error that is not Google's
 */
export async function probeAccounts(rt: Runtime, deps: ProbeDeps): Promise<void> {
  const due = await deps.store.probes.claimDue({
    limit: ACCOUNTS_AT_ONCE,
    visibilityMs: VISIBILITY_MS,
  });
  for (const one of due) await probeAccount(rt, deps, one);
}

async function tryProject(rt: Runtime, { store, google }: ProbeDeps, due: DueTry): Promise<void> {
  const { project, scope, accountId, failingForMs } = due;
  const refusal = accountId === null ? null : await refusalOf(() => ask(accountId));
  if (refusal !== null && answersOf(scope).includes(refusal.answer))
    return store.projects.postpone(
      { project, scope, code: refusal.code },
      projectTryDelayMs(failingForMs),
    );
  if (refusal !== null && UNDECIDED.includes(refusal.answer))
    return store.projects.postpone(due, UNDECIDED_DELAY_MS);
  const collections = await store.projects.recovered(due);
  if (collections === 0) return;
  rt.log.info(
    { event: 'project_recovered', project, scope, collections },
    'Google accepts the project again: the collections that waited for it are due',
  );

  async function ask(waiting: string): Promise<void> {
    if (scope === 'client' || scope === 'other-client') return google.tryAgain(waiting, project);
    await callOnce({ store, google }, { accountId: waiting, project }, scope);
  }
}

/**
 * Returns the errors that show that a scope is still refused. A refused client makes Google refuse
 * every other scope as well.
 */
function answersOf(scope: DueTry['scope']): readonly AnswerKind[] {
  switch (scope) {
    case 'client':
      return ['client-refused'];
    case 'other-client':
      return ['other-client', 'client-refused'];
    default:
      return ['api-not-enabled', 'client-refused'];
  }
}

const UNDECIDED: readonly AnswerKind[] = ['quota', 'transient', 'key-missing'];

async function probeAccount(rt: Runtime, deps: ProbeDeps, due: DueProbe): Promise<void> {
  const { store, google } = deps;
  if (!google.projects.includes(due.project)) return;
  const refusal = await refusalOf(() => askAbout(deps, due));
  if (refusal === null) {
    if (await store.probes.passed(due))
      rt.log.info(
        { event: 'account_recovered', accountId: due.accountId, from: due.state },
        'Google accepts the account again: it continues from its cursors',
      );
    return;
  }
  if (UNDECIDED.includes(refusal.answer) || refusal.answer === 'client-refused') return;
  await store.probes.postpone(
    due,
    probeDelayMs({ ...due, probes: due.probes + 1 }, rt.random.next()),
  );
}

/**
 * Probes an account. For a disabled account Google accepts the grant, so its resources are asked
 * whether policy still forbids all of them.
 */
async function askAbout(deps: ProbeDeps, due: DueProbe): Promise<void> {
  await deps.google.tryAgain(due.accountId, due.project);
  if (due.state !== 'disabled') return;
  let refused: unknown = null;
  for (const resource of due.resources) {
    try {
      return await callOnce(deps, due, resource);
    } catch (error) {
      refused = error;
    }
  }
  if (refused !== null) throw refused;
}

/** Makes the cheapest call of an API that needs the account's consent. */
async function callOnce(
  { store, google }: ProbeDeps,
  { accountId, project }: { accountId: string; project: string },
  resource: Resource,
): Promise<void> {
  const caller = await store.accounts.caller(accountId);
  const account = google.account(accountId, {
    lane: 'live',
    ...(caller ? callerOf(caller) : { project }),
  });
  try {
    await resourceModule(resource).probe(account);
  } finally {
    await store.quota.record(accountId, account.takeSpent());
  }
}

/** Returns null when Google refuses nothing. */
async function refusalOf(
  ask: () => Promise<void>,
): Promise<{ answer: AnswerKind; code: string } | null> {
  try {
    await ask();
    return null;
  } catch (error) {
    if (!(error instanceof GoogleError)) throw error;
    const { detail } = error;
    return {
      answer: answerOf(detail, false),
      code: detail.kind === 'forbidden' ? codeOf(detail) : detail.kind,
    };
  }
}
