/**
 * What a fleet would cost of Google's quota, and how long it would take: arithmetic, without asking anybody. docs/quota.md has the formulas in words; the
 * assumptions about mailboxes stand below as constants.
 */
import { unitsOf } from '@syncline/google';
import type { Config } from '@syncline/runtime';
import { type SyncPolicy, pollsADay } from './policy.js';

export interface FleetShape {
  accounts: number;
  messagesPerAccount: number;
  /** Mean number of messages in a thread. */
  threadLength: number;
  calendarsPerAccount: number;
  projects: number;
  /** New messages of an account a day. */
  messagesPerDay: number;
  /** Hours of the day in which something changes in an account. */
  activeHoursPerDay: number;
  /** What is kept of bodies: a source is a second get of its message. */
  bodies: Config['mirror']['bodies'];
  /** Whether mailboxes are watched, and rung for, beside being polled. */
  watches: boolean;
  /** In how many days the onboarding shall be over. */
  withinDays: number;
}

export interface FleetPlan {
  onboarding: {
    unitsPerMessage: number;
    unitsPerMailbox: number;
    unitsPerProject: number;
    calendarRequestsPerAccount: number;
    /** At the user's limit a minute, with the project to itself. */
    mailboxSeconds: number;
    /** All of a project's mailboxes; null when the steady state leaves nothing of the day. */
    fleetSeconds: number | null;
    boundBy: 'user a minute' | 'project a minute' | 'project a day';
  };
  /** Units a day of one account, once it follows. */
  steady: {
    polls: number;
    changes: number;
    watches: number;
    audits: number;
    unitsPerAccountDay: number;
    unitsPerProjectDay: number;
    shareOfDay: number;
  };
  projectsNeeded: { forSteadyState: number; forOnboarding: number | null };
}

/** A charge leaves the governor's window after this long: a minute, its slot and the margin. */
const WINDOW_S = 61;
const DAY_S = 86_400;
const IDS_PER_PAGE = 500;
/** A mailbox's labels, Gmail's own included, and how many a message has. */
const LABELS = 15;
const LABELS_PER_MESSAGE = 2;
/** Bounds of an audit (`audit.ts`). */
const AUDIT_PAGES = 400;
const AUDIT_SAMPLE = 20;
/** Watches are renewed on day five or six of their seven. */
const WATCH_DAYS = 5.5;
const PROJECTS_LIMIT = 10_000;

export function planFleet(
  shape: FleetShape,
  quotas: Config['quotas'],
  policy: SyncPolicy,
): FleetPlan {
  const steady = steadyUnits(shape, quotas, policy);
  const perMailbox = mailboxUnits(shape, quotas);
  const inProject = (projects: number): Load => ({
    mailboxes: Math.ceil(shape.accounts / projects),
    perMailbox,
    steadyPerMailbox: steady.total,
    quotas,
  });
  const load = inProject(shape.projects);
  const { seconds, boundBy } = onboardingTime(load);
  const projectDay = load.mailboxes * steady.total;
  const { total, ...parts } = steady;
  return {
    onboarding: {
      unitsPerMessage: messageUnits(shape, quotas),
      unitsPerMailbox: perMailbox,
      unitsPerProject: load.mailboxes * perMailbox,
      calendarRequestsPerAccount: 1 + shape.calendarsPerAccount,
      mailboxSeconds: windowsOf(perMailbox, quotas.gmailUnitsPerUserMinute),
      fleetSeconds: seconds,
      boundBy,
    },
    steady: {
      ...parts,
      unitsPerAccountDay: total,
      unitsPerProjectDay: projectDay,
      shareOfDay: projectDay / quotas.gmailUnitsPerProjectDay,
    },
    projectsNeeded: {
      forSteadyState: Math.max(
        1,
        Math.ceil(shape.accounts / Math.max(1, Math.floor(quotas.gmailUnitsPerProjectDay / total))),
      ),
      forOnboarding: fewestProjects(
        (projects) => onboardingTime(inProject(projects)).seconds,
        shape.withinDays * DAY_S,
      ),
    },
  };
}

/**
 * A message of a thread of three or more is fetched with its whole thread, which costs as much as two messages. With lengths as they fall (geometric, mean
 * A) a thread costs 2 − 1/A messages, and a message 1/A of that.
 Sources are fetched one by one, in threads or not.
 */
function messageUnits(
  { threadLength, bodies }: FleetShape,
  { gmailTier }: Config['quotas'],
): number {
  return (
    unitsOf('gmail.users.messages.get', gmailTier) *
    ((2 - 1 / threadLength) / threadLength + sourceGets(bodies))
  );
}

function sourceGets(bodies: FleetShape['bodies']): number {
  return bodies === 'raw' ? 1 : 0;
}

function mailboxUnits(shape: FleetShape, quotas: Config['quotas']): number {
  const tier = quotas.gmailTier;
  const pages = Math.max(1, Math.ceil(shape.messagesPerAccount / IDS_PER_PAGE));
  const head =
    unitsOf('gmail.users.getProfile', tier) +
    unitsOf('gmail.users.labels.list', tier) +
    pages * unitsOf('gmail.users.messages.list', tier);
  return Math.ceil(head + shape.messagesPerAccount * messageUnits(shape, quotas));
}

function steadyUnits(
  shape: FleetShape,
  { gmailTier: tier }: Config['quotas'],
  policy: SyncPolicy,
): { polls: number; changes: number; watches: number; audits: number; total: number } {
  const historyPage = unitsOf('gmail.users.history.list', tier);
  const polls = historyPage * pollsADay(policy, shape.activeHoursPerDay);
  // A doorbell has the mailbox looked at once more; a poll finds changes in the page that it reads anyway.
  const changes =
    shape.messagesPerDay *
    ((1 + sourceGets(shape.bodies)) * unitsOf('gmail.users.messages.get', tier) +
      (shape.watches ? historyPage : 0));
  const watches = shape.watches ? unitsOf('gmail.users.watch', tier) / WATCH_DAYS : 0;
  const audits = policy.auditEveryMs
    ? ((DAY_S * 1_000) / policy.auditEveryMs) * auditUnits(shape.messagesPerAccount, tier)
    : 0;
  const whole = {
    polls: Math.ceil(polls),
    changes: Math.ceil(changes),
    watches: Math.ceil(watches),
    audits: Math.ceil(audits),
  };
  return { ...whole, total: whole.polls + whole.changes + whole.watches + whole.audits };
}

/** The list of every label and of everything, and the content of a few messages. */
function auditUnits(messages: number, tier: Config['quotas']['gmailTier']): number {
  const pages = Math.min(
    AUDIT_PAGES,
    LABELS + 1 + Math.floor((messages * (LABELS_PER_MESSAGE + 1)) / IDS_PER_PAGE),
  );
  return (
    pages * unitsOf('gmail.users.messages.list', tier) +
    Math.min(messages, AUDIT_SAMPLE) * unitsOf('gmail.users.messages.get', tier) +
    unitsOf('gmail.users.history.list', tier)
  );
}

interface Load {
  mailboxes: number;
  perMailbox: number;
  steadyPerMailbox: number;
  quotas: Config['quotas'];
}

/** The slowest of three limits; the day's leaves the onboarding what the steady state of the same mailboxes does not take. */
function onboardingTime({ mailboxes, perMailbox, steadyPerMailbox, quotas }: Load): {
  seconds: number | null;
  boundBy: FleetPlan['onboarding']['boundBy'];
} {
  const units = mailboxes * perMailbox;
  const perDay = quotas.gmailUnitsPerProjectDay - mailboxes * steadyPerMailbox;
  const user = windowsOf(perMailbox, quotas.gmailUnitsPerUserMinute);
  const minute = windowsOf(units, quotas.gmailUnitsPerProjectMinute);
  if (perDay <= 0) return { seconds: null, boundBy: 'project a day' };
  const day = units <= perDay ? 0 : Math.ceil((units / perDay) * DAY_S);
  const seconds = Math.max(user, minute, day);
  if (seconds === day && day > 0) return { seconds, boundBy: 'project a day' };
  return { seconds, boundBy: seconds === user ? 'user a minute' : 'project a minute' };
}

/** The first limit is there at once, and each further one when the one before has left the window. */
function windowsOf(units: number, perMinute: number): number {
  return Math.floor(Math.max(0, units - 1) / perMinute) * WINDOW_S;
}

/** Null when no number of projects suffices: a mailbox alone takes longer. More projects are never slower, so halving finds the fewest. */
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
