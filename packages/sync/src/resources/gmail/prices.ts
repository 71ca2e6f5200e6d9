import { unitsOf } from '@syncline/google';
import type { Config } from '@syncline/runtime';
import { type SyncPolicy, pollsADay } from '../../policy.js';

/* What a mailbox costs of Gmail's quota, in units. Pure. */

/** What the price of an account's mail depends on. */
export interface MailShape {
  messagesPerAccount: number;
  /** Mean number of messages in a thread. */
  threadLength: number;
  /** New messages of an account a day. */
  messagesPerDay: number;
  /** Hours of the day in which something changes in an account. */
  activeHoursPerDay: number;
  /** What is kept of bodies: a source is a second get of its message. */
  bodies: Config['mirror']['bodies'];
  /** Whether mailboxes are watched, and notified of changes, beside being polled. */
  watches: boolean;
}

/** Units that Google lets be spent. */
export interface UnitLimits {
  userMinute: number;
  projectMinute: number;
  projectDay: number;
}

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

export function unitLimits(quotas: Config['quotas']): UnitLimits {
  return {
    userMinute: quotas.gmailUnitsPerUserMinute,
    projectMinute: quotas.gmailUnitsPerProjectMinute,
    projectDay: quotas.gmailUnitsPerProjectDay,
  };
}

/**
 * A message of a thread of three or more is fetched with its whole thread, which costs as much as two messages. With lengths as they fall (geometric, mean
 * A) a thread costs 2 − 1/A messages, and a message 1/A of that.
 Sources are fetched one by one, in threads or not.
 */
export function messageUnits(
  { threadLength, bodies }: MailShape,
  { gmailTier }: Config['quotas'],
): number {
  return (
    unitsOf('gmail.users.messages.get', gmailTier) *
    ((2 - 1 / threadLength) / threadLength + sourceGets(bodies))
  );
}

function sourceGets(bodies: MailShape['bodies']): number {
  return bodies === 'raw' ? 1 : 0;
}

export function mailboxUnits(shape: MailShape, quotas: Config['quotas']): number {
  const tier = quotas.gmailTier;
  const pages = Math.max(1, Math.ceil(shape.messagesPerAccount / IDS_PER_PAGE));
  const head =
    unitsOf('gmail.users.getProfile', tier) +
    unitsOf('gmail.users.labels.list', tier) +
    pages * unitsOf('gmail.users.messages.list', tier);
  return Math.ceil(head + shape.messagesPerAccount * messageUnits(shape, quotas));
}

export function steadyUnits(
  shape: MailShape,
  { gmailTier: tier }: Config['quotas'],
  policy: SyncPolicy,
): { polls: number; changes: number; watches: number; audits: number; total: number } {
  const historyPage = unitsOf('gmail.users.history.list', tier);
  const polls = historyPage * pollsADay(policy, shape.activeHoursPerDay);
  // A notification has the mailbox looked at once more; a poll finds changes in the page that it
  // reads anyway.
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
