import { unitsOf } from '@syncline/google';
import type { Config } from '@syncline/runtime';
import { type SyncPolicy, pollsADay } from '../../policy.js';

/* What a mailbox costs of Gmail's quota, in units. Pure. */

/** The properties of an account's mail that its price depends on. */
export interface MailShape {
  messagesPerAccount: number;
  /** Mean number of messages in a thread. */
  threadLength: number;
  /** New messages per account and day. */
  messagesPerDay: number;
  /** Hours of the day in which changes occur in an account. */
  activeHoursPerDay: number;
  /** Which parts of bodies are kept: a source takes a second get of its message. */
  bodies: Config['mirror']['bodies'];
  /** Whether mailboxes have watches in addition to polling. */
  watches: boolean;
}

/** The limits of Google's quota in units. */
export interface UnitLimits {
  userMinute: number;
  projectMinute: number;
  projectDay: number;
}

const DAY_S = 86_400;
const IDS_PER_PAGE = 500;
/** The number of a mailbox's labels, including Gmail's own, and of a message's labels. */
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
 * Returns the price of a message. A message of a thread of three or more is fetched with its whole
 * thread, which costs as much as two messages. With geometrically distributed lengths of mean A, a
 * thread costs 2 − 1/A messages, and a message 1/A of that. Sources are fetched one by one in any
 * case.
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
  // A notification causes one additional sync; a poll finds changes in the page that it reads
  // anyway.
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

/** The lists of every label and of all messages, and the content of a few messages. */
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
