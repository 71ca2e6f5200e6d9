/**
 * The actions of the simulated users; they are the same when called by function, by HTTP and at
 * random. All random choices come from the account's own generator.
 */
import type { SimClock } from '../clock.js';
import type { EventDraft } from '../calendar/event.js';
import type { AccessRole } from '../calendar/shelf.js';
import type { EnteredFields } from '../people/fields.js';
import type { Account, World } from '../world.js';
import { actOnCalendar, CALENDAR_ACTIONS, type CalendarAction } from './act-calendar.js';
import { actOnContacts, CONTACT_ACTIONS, type ContactAction } from './act-contacts.js';
import { actOnMail, MAIL_ACTIONS, type MailAction } from './act-mail.js';

export type ActionName = MailAction | CalendarAction | ContactAction;
export const ACTIONS: readonly ActionName[] = [
  ...MAIL_ACTIONS,
  ...CALENDAR_ACTIONS,
  ...CONTACT_ACTIONS,
];

/** Ids may be omitted; the account then picks one at random. */
export interface ActionOrder {
  action: ActionName;
  messageId?: string;
  threadId?: string;
  labelId?: string;
  labelIds?: string[];
  draftId?: string;
  /** The name of a label, calendar or contact group. */
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
  /** A contact (`people/…`), other contact (`otherContacts/…`) or group (`contactGroups/…`). */
  resourceName?: string;
  /** `contact-merge`: the contact that is merged into `resourceName`. */
  formerName?: string;
  /** `group-add`, `group-remove`: the group whose member `resourceName` becomes or is. */
  groupName?: string;
  /** `contact-merge`, `contact-link`: whether lists report the former name as deleted too. */
  tombstone?: boolean;
  /** `contact-…`, `other-…`: fields that replace the random ones, without metadata. */
  person?: EnteredFields;
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
  resourceName?: string;
  formerName?: string;
  groupName?: string;
}

export interface ActionContext {
  world: World;
  clock: SimClock;
  account: Account;
}

/**
 * Performs one action. Throws RangeError for an unknown action, Error for an id that does not
 * exist.
 */
export function act(context: ActionContext, order: ActionOrder): ActResult {
  const done = perform(context, order);
  return { action: order.action, email: context.account.email, done: done !== null, ...done };
}

function perform(context: ActionContext, order: ActionOrder): Partial<ActResult> | null {
  const { action } = order;
  if (isMailAction(action)) return actOnMail(context, { ...order, action });
  if (isCalendarAction(action)) return actOnCalendar(context, { ...order, action });
  if (isContactAction(action)) return actOnContacts(context, { ...order, action });
  throw new RangeError(`unknown action; the actions are ${ACTIONS.join(', ')}`);
}

function isMailAction(action: string): action is MailAction {
  return MAIL_ACTIONS.some((one) => one === action);
}

function isCalendarAction(action: string): action is CalendarAction {
  return CALENDAR_ACTIONS.some((one) => one === action);
}

function isContactAction(action: string): action is ContactAction {
  return CONTACT_ACTIONS.some((one) => one === action);
}

/**
 * Returns a random action; frequent actions of real users are more likely. Accounts without
 * contacts have the sequence that they had before the simulator had contacts.
 */
export function randomAction(account: Account): ActionName {
  const mix = account.contacts.isEmpty() ? MIX : MIX_WITH_CONTACTS;
  let left = account.prng.next() * mix.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [action, weight] of mix) {
    left -= weight;
    if (left < 0) return action;
  }
  return 'deliver';
}

type Mix = readonly (readonly [ActionName, number])[];

const MIX: Mix = [
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
const MIX_WITH_CONTACTS: Mix = [
  ...MIX,
  ['contact-create', 4],
  ['contact-update', 8],
  ['contact-delete', 1.5],
  ['contact-merge', 0.7],
  ['contact-link', 0.5],
  ['other-create', 3],
  ['other-update', 1],
  ['other-delete', 0.7],
  ['other-promote', 1],
  ['group-create', 0.5],
  ['group-rename', 0.5],
  ['group-delete', 0.3],
  ['group-add', 2],
  ['group-remove', 1],
];
