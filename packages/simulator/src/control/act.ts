/**
 * The actions of the simulated users; they are the same when called by function, by HTTP and at
 * random. All random choices come from the account's own generator.
 */
import type { SimClock } from '../clock.js';
import type { EventDraft } from '../calendar/event.js';
import type { AccessRole } from '../calendar/shelf.js';
import type { Account, World } from '../world.js';
import { actOnCalendar, CALENDAR_ACTIONS, type CalendarAction } from './act-calendar.js';
import { actOnMail, MAIL_ACTIONS, type MailAction } from './act-mail.js';

export type ActionName = MailAction | CalendarAction;
export const ACTIONS: readonly ActionName[] = [...MAIL_ACTIONS, ...CALENDAR_ACTIONS];

/** Ids may be omitted; the account then picks one at random. */
export interface ActionOrder {
  action: ActionName;
  messageId?: string;
  threadId?: string;
  labelId?: string;
  labelIds?: string[];
  draftId?: string;
  /** The name of a label or calendar. */
  name?: string;
  /** `deliver`, `draft-save`: parts of a plain message. */
  subject?: string;
  from?: string;
  text?: string;
  html?: string;
  /** `deliver`, `draft-save`: the message's RFC 822 bytes in base64, in place of the parts. */
  rawBase64?: string;
  /** `deliver`: ms since the epoch; default now. */
  internalDateMs?: number;
  calendarId?: string;
  eventId?: string;
  /** `calendar-role`: the user's new role for a calendar. */
  role?: AccessRole;
  /** `event-create`, `event-update`, `event-move-instance`: fields that replace the random ones. */
  event?: Partial<EventDraft>;
}

/** `done` is false when there was nothing to act on. The ids are those of the changed objects. */
export interface ActResult {
  action: ActionName;
  email: string;
  done: boolean;
  messageId?: string;
  threadId?: string;
  labelId?: string;
  draftId?: string;
  calendarId?: string;
  eventId?: string;
}

export interface Stage {
  world: World;
  clock: SimClock;
  account: Account;
}

/**
 * Performs one action. Throws RangeError for an unknown action, Error for an id that does not
 * exist.
 */
export function act(stage: Stage, order: ActionOrder): ActResult {
  const done = perform(stage, order);
  return { action: order.action, email: stage.account.email, done: done !== null, ...done };
}

function perform(stage: Stage, order: ActionOrder): Partial<ActResult> | null {
  const { action } = order;
  if (isMailAction(action)) return actOnMail(stage, { ...order, action });
  if (isCalendarAction(action)) return actOnCalendar(stage, { ...order, action });
  throw new RangeError(`unknown action; the actions are ${ACTIONS.join(', ')}`);
}

function isMailAction(action: string): action is MailAction {
  return MAIL_ACTIONS.some((one) => one === action);
}

function isCalendarAction(action: string): action is CalendarAction {
  return CALENDAR_ACTIONS.some((one) => one === action);
}

/** Returns a random action; frequent actions of real users are more likely. */
export function randomAction(account: Account): ActionName {
  let left = account.prng.next() * TOTAL_WEIGHT;
  for (const [action, weight] of MIX) {
    left -= weight;
    if (left < 0) return action;
  }
  return 'deliver';
}

const MIX: readonly (readonly [ActionName, number])[] = [
  ['deliver', 30],
  ['unlabel', 20],
  ['label', 14],
  ['trash', 6],
  ['delete', 4],
  ['draft-save', 6],
  ['touch', 1],
  ['label-create', 1],
  ['label-rename', 1],
  ['label-delete', 0.3],
  ['event-create', 6],
  ['event-update', 6],
  ['event-delete', 2],
  ['event-cancel-instance', 2],
  ['event-move-instance', 2],
  ['calendar-create', 0.3],
  ['calendar-rename', 0.3],
  ['calendar-delete', 0.2],
];
const TOTAL_WEIGHT = MIX.reduce((sum, [, weight]) => sum + weight, 0);
