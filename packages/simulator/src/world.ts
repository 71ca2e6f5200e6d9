/**
 * All data of the simulated Google: accounts with a mailbox, a calendar list and contacts, created
 * from a seed.
 */
import { createHash } from 'node:crypto';
import { CalendarShelf } from './calendar/shelf.js';
import { CalendarStore } from './calendar/store.js';
import type { SimClock } from './clock.js';
import { createMailFactory, type MailFactory } from './generate/mail.js';
import { seedCalendar } from './generate/seed-calendar.js';
import { seedContacts } from './generate/seed-contacts.js';
import { seedMailbox } from './generate/seed-mailbox.js';
import { Mailbox } from './mailbox.js';
import type { Settings } from './options.js';
import { AddressBook } from './people/address-book.js';
import { createPrng, type Prng } from './prng.js';

export interface Account {
  /**
   * Identifies the account permanently in this program: the first address, with a number when
   * another account had it before.
   */
  readonly key: string;
  /** Google's id of the account, which is never reused. */
  readonly sub: string;
  /** The primary address in lower case; `World.rename` changes it. */
  email: string;
  /** Earlier addresses that no other account has taken; mail to them is still delivered. */
  aliases: readonly string[];
  readonly mailbox: Mailbox;
  readonly shelf: CalendarShelf;
  readonly contacts: AddressBook;
  /** The source of this user's random actions. */
  readonly prng: Prng;
}

export interface AccountPlan {
  messages?: number;
  calendars?: number;
  eventsPerCalendar?: number;
  contacts?: number;
}

const HOLIDAY_CALENDAR = 'en.usa#holiday@group.v.calendar.google.com';

export class World {
  readonly mails: MailFactory;
  private readonly accounts = new Map<string, Account>();
  /** By key, deleted accounts included. */
  private readonly accountsByAddress = new Map<string, Account>();
  private readonly prng: Prng;
  private readonly holidays: CalendarStore;

  constructor(
    private readonly settings: Settings,
    private readonly clock: SimClock,
  ) {
    this.prng = createPrng(settings.seed);
    this.mails = createMailFactory(settings.seed, settings.bodyBytes);
    this.holidays = holidayCalendar(this.prng.fork('holidays'), clock.nowMs());
    for (let n = 1; n <= settings.accounts; n++) this.addAccount(`user${n}@demo.example`);
  }

  /** Returns the accounts in order of creation. */
  all(): Account[] {
    return [...this.accounts.values()];
  }
  /** Returns the account with this primary address, otherwise with this alias. */
  get(email: string): Account | null {
    const address = email.toLowerCase();
    return (
      this.accounts.get(address) ??
      this.all().find(({ aliases }) => aliases.includes(address)) ??
      null
    );
  }
  /** Returns null for a deleted account too. */
  byKey(key: string): Account | null {
    const account = this.accountsByAddress.get(key);
    return account && this.accounts.get(account.email) === account ? account : null;
  }

  /**
   * Changes the account's primary address, as an administrator does; the previous one becomes an
   * alias. Throws when an account has the address.
   */
  rename(account: Account, address: string): void {
    const email = address.toLowerCase();
    if (this.accounts.has(email)) throw new Error('an account of that address exists');
    this.takeAlias(email);
    this.accounts.delete(account.email);
    account.aliases = [...account.aliases.filter((alias) => alias !== email), account.email];
    account.shelf.renamePrimary(email, account.email);
    account.email = email;
    this.accounts.set(email, account);
  }

  /** Deletes the account. Its addresses become free, and another account may get them. */
  remove(account: Account): void {
    this.accounts.delete(account.email);
  }

  /**
   * Adds an account with mail and calendars of its own; an address that is an alias moves to the
   * new account. Throws when an account has the address.
   */
  addAccount(address: string, plan: AccountPlan = {}): Account {
    const email = address.toLowerCase();
    if (this.accounts.has(email)) throw new Error('an account of that address exists');
    this.takeAlias(email);
    const key = this.freeKey(email);
    const prng = this.prng.fork(`account ${key}`);
    const firstHistoryId = FIRST_HISTORY_IDS[
      this.accountsByAddress.size % FIRST_HISTORY_IDS.length
    ] as bigint;
    const mailbox = new Mailbox({
      owner: email,
      prng: prng.fork('mailbox'),
      mails: this.mails,
      retentionMs: this.settings.historyRetentionMs,
      firstHistoryId,
    });
    seedMailbox(mailbox, prng.fork('mail'), {
      messages: plan.messages ?? this.settings.messagesPerAccount,
      threadLength: this.settings.threadLength,
      nowMs: this.clock.nowMs(),
    });
    const account: Account = {
      key,
      sub: subOf(this.settings.seed, key),
      email,
      aliases: [],
      mailbox,
      shelf: new CalendarShelf(),
      contacts: this.addressBook(prng.fork('contacts'), plan),
      prng: prng.fork('acts'),
    };
    this.addCalendars(account, prng.fork('calendars'), plan);
    this.accounts.set(email, account);
    this.accountsByAddress.set(key, account);
    return account;
  }

  private takeAlias(email: string): void {
    for (const other of this.all())
      other.aliases = other.aliases.filter((alias) => alias !== email);
  }

  private freeKey(email: string): string {
    for (let n = 1; ; n++) {
      const key = n === 1 ? email : `${email}#${n}`;
      if (!this.accountsByAddress.has(key)) return key;
    }
  }

  /** Adds an empty secondary calendar that the account owns. */
  addCalendar(account: Account, summary: string, prng: Prng): CalendarStore {
    const calendar = new CalendarStore({
      id: `c_${prng.hex(64)}@group.calendar.google.com`,
      summary,
      timeZone: prng.pick(ZONES),
      prng: prng.fork('events'),
    });
    account.shelf.add(calendar, 'owner');
    return calendar;
  }

  private addressBook(prng: Prng, plan: AccountPlan): AddressBook {
    const nowMs = this.clock.nowMs();
    const book = new AddressBook(prng, this.settings.propagationDelayMs, nowMs - CONTACTS_AGE_MS);
    seedContacts(book, prng.fork('seed'), plan.contacts ?? this.settings.contactsPerAccount, {
      fromMs: nowMs - CONTACTS_AGE_MS,
      toMs: nowMs - this.settings.propagationDelayMs,
    });
    return book;
  }

  private addCalendars(account: Account, prng: Prng, plan: AccountPlan): void {
    const count = plan.calendars ?? this.settings.calendarsPerAccount;
    const events = plan.eventsPerCalendar ?? this.settings.eventsPerCalendar;
    for (let n = 0; n < Math.max(1, count); n++) {
      const calendar =
        n === 0
          ? primaryAddress(account, prng)
          : this.addCalendar(
              account,
              CALENDAR_NAMES[(n - 1) % CALENDAR_NAMES.length] as string,
              prng.fork(`calendar ${n}`),
            );
      if (n === 0) account.shelf.add(calendar, 'owner', true);
      seedCalendar(calendar, prng.fork(`seed ${n}`), account.email, events, this.clock.nowMs());
    }
    account.shelf.add(this.holidays, 'reader');
  }
}

/** Returns 21 digits, like Google's ids. */
function subOf(seed: number, key: string): string {
  const hash = createHash('sha256').update(`sub ${seed}:${key}`).digest();
  return `1${String(hash.readBigUInt64BE()).padStart(20, '0')}`;
}

/**
 * Ids that reveal errors of clients: one about to gain a digit (compared as text it decreases), an
 * ordinary one, and one larger than JavaScript's numbers can represent exactly. Google types them
 * as uint64.
 */
const FIRST_HISTORY_IDS: readonly bigint[] = [
  99_000n,
  4_812_773n,
  9_007_199_254_740_993n,
  9_999_000n,
];

/** The age of the first generated contact. */
const CONTACTS_AGE_MS = 400 * 86_400_000;

const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'UTC', 'America/Sao_Paulo'];
const CALENDAR_NAMES = ['Family', 'Équipe 🎯', 'On-call', 'יומן צוות', 'Travel'];

function primaryAddress(account: Account, prng: Prng): CalendarStore {
  return new CalendarStore({
    id: account.email,
    summary: account.email,
    timeZone: prng.pick(ZONES),
    prng: prng.fork('primary'),
  });
}

/** A calendar that all accounts share and can only read, like Google's public calendars. */
function holidayCalendar(prng: Prng, nowMs: number): CalendarStore {
  const calendar = new CalendarStore({
    id: HOLIDAY_CALENDAR,
    summary: 'Holidays in United States',
    description: 'Holidays and Observances in United States',
    timeZone: 'UTC',
    prng,
  });
  const year = new Date(nowMs).getUTCFullYear();
  for (const [day, summary] of HOLIDAYS) {
    const start = { date: `${year}-${day}` };
    const end = {
      date: new Date(Date.parse(`${year}-${day}T00:00:00Z`) + 86_400_000)
        .toISOString()
        .slice(0, 10),
    };
    const organizer = {
      email: HOLIDAY_CALENDAR,
      displayName: calendar.summary,
      self: true as const,
    };
    calendar.insert(
      {
        summary,
        description: 'Public holiday',
        creator: organizer,
        organizer,
        start,
        end,
        transparency: 'transparent',
        visibility: 'public',
      },
      nowMs - 86_400_000,
    );
  }
  return calendar;
}

const HOLIDAYS: readonly (readonly [day: string, name: string])[] = [
  ['01-01', "New Year's Day"],
  ['07-04', 'Independence Day'],
  ['11-11', 'Veterans Day'],
  ['12-25', 'Christmas Day'],
];
