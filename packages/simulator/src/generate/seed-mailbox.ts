import type { Mailbox } from '../mailbox.js';
import type { Prng } from '../prng.js';
import type { MailRecipe } from './mail.js';

/** The initial size of a mailbox and its threads. */
export interface MailboxPlan {
  messages: number;
  threadLength: number;
  nowMs: number;
}

const DAY_MS = 86_400_000;
const OLDEST_DAYS = 730;
const DRAFT_SHARE = 0.01;
const USER_LABELS = ['Receipts', 'Travel', 'Customers/ACME', 'Zu erledigen', 'משפחה'];

interface Planned {
  recipe: MailRecipe;
  threadKey: number;
}

/** Fills an empty mailbox with threads from the last two years, without history records. */
export function seedMailbox(mailbox: Mailbox, prng: Prng, plan: MailboxPlan): void {
  for (const name of USER_LABELS) mailbox.labels.create(name);
  const userLabels = mailbox.labels.userIds();
  const drafts = Math.floor(plan.messages * DRAFT_SHARE);
  const planned = planThreads(mailbox.owner, prng, {
    ...plan,
    messages: plan.messages - drafts,
  }).sort((a, b) => a.recipe.dateMs - b.recipe.dateMs);
  const threads = new Map<number, string>();
  for (const { recipe, threadKey } of planned) {
    const labelIds =
      recipe.role === 'sent' ? SENT : labelsFor(prng, userLabels, plan.nowMs - recipe.dateMs);
    const threadId = threads.get(threadKey);
    const fresh = {
      content: { kind: 'generated' as const, recipe },
      labelIds,
      internalDateMs: recipe.dateMs,
    };
    const message = mailbox.seed(
      threadId === undefined ? fresh : { ...fresh, threadId },
      recipe.dateMs,
    );
    if (threadId === undefined) threads.set(threadKey, message.threadId);
  }
  for (let n = 0; n < drafts; n++) {
    const dateMs = plan.nowMs - prng.between(1, 60) * DAY_MS;
    const recipe: MailRecipe = {
      seed: prng.uint32(),
      topicSeed: prng.uint32(),
      owner: mailbox.owner,
      role: 'draft',
      position: 0,
      dateMs,
    };
    mailbox.saveDraft(
      null,
      { content: { kind: 'generated', recipe }, internalDateMs: dateMs },
      dateMs,
    );
  }
  mailbox.history.complete();
}

/** Returns the labels of a message on arrival. */
export function arrivalLabels(prng: Prng): readonly string[] {
  const dice = prng.next();
  if (dice < 0.06) return ['UNREAD', 'SPAM'];
  return ['UNREAD', prng.pick(CATEGORIES), ...(prng.chance(0.2) ? ['IMPORTANT'] : []), 'INBOX'];
}

const SENT: readonly string[] = ['SENT'];
const CATEGORIES = [
  'CATEGORY_PERSONAL',
  'CATEGORY_UPDATES',
  'CATEGORY_PROMOTIONS',
  'CATEGORY_SOCIAL',
  'CATEGORY_FORUMS',
];

function planThreads(owner: string, prng: Prng, plan: MailboxPlan): Planned[] {
  const planned: Planned[] = [];
  for (let threadKey = 0; planned.length < plan.messages; threadKey++) {
    const topicSeed = prng.uint32();
    const length = threadLength(prng, plan.threadLength, plan.messages - planned.length);
    let dateMs = plan.nowMs - Math.floor((0.01 + OLDEST_DAYS * prng.next() ** 1.5) * DAY_MS);
    for (let position = 0; position < length; position++) {
      const role = position > 0 && prng.chance(0.4) ? 'sent' : 'received';
      planned.push({
        threadKey,
        recipe: { seed: prng.uint32(), topicSeed, owner, role, position, dateMs },
      });
      dateMs = Math.min(plan.nowMs - 1_000, dateMs + prng.between(60_000, 2 * DAY_MS));
    }
  }
  return planned;
}

/** Geometric distribution: single messages are common and a few threads are long. */
function threadLength(prng: Prng, mean: number, limit: number): number {
  let length = 1;
  while (length < limit && prng.chance(1 - 1 / mean)) length += 1;
  return length;
}

/** Old messages are mostly read and archived; a few are spam, trash or starred. */
function labelsFor(prng: Prng, userLabels: readonly string[], ageMs: number): readonly string[] {
  const junk = junkLabels(prng.next(), ageMs);
  if (junk !== null) return junk;
  const labels: string[] = [];
  if (prng.chance(ageMs < 14 * DAY_MS ? 0.6 : 0.05)) labels.push('UNREAD');
  if (prng.chance(0.25)) labels.push('IMPORTANT');
  if (prng.chance(0.04)) labels.push('STARRED');
  if (prng.chance(0.8)) labels.push(prng.pick(CATEGORIES));
  if (prng.chance(0.15)) labels.push(prng.pick(userLabels));
  if (prng.chance(ageMs < 60 * DAY_MS ? 0.8 : 0.3)) labels.push('INBOX');
  return shared(labels);
}

/** Google deletes spam and trash after some weeks. */
function junkLabels(dice: number, ageMs: number): readonly string[] | null {
  if (dice < 0.03 && ageMs < 30 * DAY_MS) return SPAM;
  return dice < 0.06 && ageMs < 60 * DAY_MS ? TRASH : null;
}

const SPAM: readonly string[] = ['SPAM'];
const TRASH: readonly string[] = ['TRASH'];

/**
 * There are few combinations of labels and many messages; sharing one list per combination saves
 * memory.
 */
function shared(labels: readonly string[]): readonly string[] {
  const key = labels.join(' ');
  const known = combinations.get(key);
  if (known !== undefined) return known;
  if (combinations.size < 10_000) combinations.set(key, labels);
  return labels;
}

const combinations = new Map<string, readonly string[]>();
