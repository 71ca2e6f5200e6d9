/**
 * Computes what a fleet would cost of Google's quota and how long its onboarding would take; sends
 * no requests. docs/explanation/quota.md explains the formulas; the assumptions about mailboxes are
 * the constants below.
 */
import type { Config } from '@syncline/runtime';
import type { SyncPolicy } from './policy.js';
import {
  listingPrices,
  mailboxUnits,
  messageUnits,
  peopleLimits,
  peoplePolls,
  steadyUnits,
  unitLimits,
  type ListingPrices,
  type ResourceShape,
  type UnitLimits,
} from './resources/prices.js';

export interface FleetShape extends ResourceShape {
  accounts: number;
  projects: number;
  /** Number of days within which the onboarding is to be complete. */
  withinDays: number;
}

export interface FleetPlan {
  onboarding: ListingPrices & {
    unitsPerMessage: number;
    unitsPerMailbox: number;
    unitsPerProject: number;
    /** For one mailbox at the user's limit per minute, when no other uses the project. */
    mailboxSeconds: number;
    /**
     * For all mailboxes of a project; null when the steady state leaves nothing of the daily limit.
     */
    fleetSeconds: number | null;
    boundBy: 'user a minute' | 'project a minute' | 'project a day';
    /** For the requests to the People API of one account, and of all accounts of a project. */
    peopleSeconds: number;
    peopleFleetSeconds: number;
  };
  /** Units per day of one account once it is synced incrementally. */
  steady: {
    polls: number;
    changes: number;
    watches: number;
    audits: number;
    unitsPerAccountDay: number;
    unitsPerProjectDay: number;
    shareOfDay: number;
    /** Requests to the People API of one account on a day. */
    peopleRequestsPerAccountDay: number;
  };
  projectsNeeded: { forSteadyState: number; forOnboarding: number | null };
}

/** A charge leaves the governor's window after this time: a minute, its slot and the margin. */
const WINDOW_S = 61;
const DAY_S = 86_400;
const PROJECTS_LIMIT = 10_000;

export function planFleet(
  shape: FleetShape,
  quotas: Config['quotas'],
  policy: SyncPolicy,
): FleetPlan {
  const limits = unitLimits(quotas);
  const steady = steadyUnits(shape, quotas, policy);
  const perMailbox = mailboxUnits(shape, quotas);
  const inProject = (projects: number): Load => ({
    mailboxes: Math.ceil(shape.accounts / projects),
    perMailbox,
    steadyPerMailbox: steady.total,
    limits,
  });
  const load = inProject(shape.projects);
  const { seconds, boundBy } = onboardingTime(load);
  const projectDay = load.mailboxes * steady.total;
  const { total, ...parts } = steady;
  const prices = listingPrices(shape);
  return {
    onboarding: {
      unitsPerMessage: messageUnits(shape, quotas),
      unitsPerMailbox: perMailbox,
      unitsPerProject: load.mailboxes * perMailbox,
      ...prices,
      ...peopleTimes(prices.peopleRequestsPerAccount, load.mailboxes, quotas),
      mailboxSeconds: windowsOf(perMailbox, limits.userMinute),
      fleetSeconds: seconds,
      boundBy,
    },
    steady: {
      ...parts,
      unitsPerAccountDay: total,
      unitsPerProjectDay: projectDay,
      shareOfDay: projectDay / limits.projectDay,
      peopleRequestsPerAccountDay: peoplePolls(shape, policy),
    },
    projectsNeeded: {
      forSteadyState: Math.max(
        1,
        Math.ceil(shape.accounts / Math.max(1, Math.floor(limits.projectDay / total))),
      ),
      forOnboarding: fewestProjects(
        (projects) => onboardingTime(inProject(projects)).seconds,
        shape.withinDays * DAY_S,
      ),
    },
  };
}

function peopleTimes(
  perAccount: number,
  accounts: number,
  quotas: Config['quotas'],
): Pick<FleetPlan['onboarding'], 'peopleSeconds' | 'peopleFleetSeconds'> {
  const { userMinute, projectMinute } = peopleLimits(quotas);
  const peopleSeconds = windowsOf(perAccount, userMinute);
  const inProject = windowsOf(perAccount * accounts, projectMinute);
  return { peopleSeconds, peopleFleetSeconds: Math.max(peopleSeconds, inProject) };
}

interface Load {
  mailboxes: number;
  perMailbox: number;
  steadyPerMailbox: number;
  limits: UnitLimits;
}

/**
 * Returns the time under the strictest of three limits. Of the daily limit the onboarding gets what
 * the steady state of the same mailboxes does not take.
 */
function onboardingTime({ mailboxes, perMailbox, steadyPerMailbox, limits }: Load): {
  seconds: number | null;
  boundBy: FleetPlan['onboarding']['boundBy'];
} {
  const units = mailboxes * perMailbox;
  const perDay = limits.projectDay - mailboxes * steadyPerMailbox;
  const user = windowsOf(perMailbox, limits.userMinute);
  const minute = windowsOf(units, limits.projectMinute);
  if (perDay <= 0) return { seconds: null, boundBy: 'project a day' };
  const day = units <= perDay ? 0 : Math.ceil((units / perDay) * DAY_S);
  const seconds = Math.max(user, minute, day);
  if (seconds === day && day > 0) return { seconds, boundBy: 'project a day' };
  return { seconds, boundBy: seconds === user ? 'user a minute' : 'project a minute' };
}

/**
 * Returns the number of windows for these units. The first window's limit is available at once,
 * each further one when the previous window has ended.
 */
function windowsOf(units: number, perMinute: number): number {
  return Math.floor(Math.max(0, units - 1) / perMinute) * WINDOW_S;
}

/**
 * Returns null when no number of projects suffices, because a single mailbox takes longer. More
 * projects are never slower, so a binary search finds the fewest.
 */
function fewestProjects(
  secondsWith: (projects: number) => number | null,
  withinS: number,
): number | null {
  const suffices = (projects: number): boolean => (secondsWith(projects) ?? Infinity) <= withinS;
  if (!suffices(PROJECTS_LIMIT)) return null;
  let [low, high] = [1, PROJECTS_LIMIT];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (suffices(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
