/** The demo's live view: a line per account, short enough for a terminal. */
import { activeCollections } from '@syncline/control/accounts';
import { amount, counted, duration, stateOf, when } from '@syncline/control/words';
import type { AccountView, CollectionView } from '@syncline/store';
import { type View, bar, styled, table } from '../terminal.js';
import { type Arrivals, arrivalsInWords } from './arrivals.js';
import { type Watch, type Watched, inOrder, messagesOf } from './watch-accounts.js';

export interface LiveViewContext {
  /** The current phase of the demo. */
  title: string;
  startedMs: number;
  arrivals: Arrivals;
}

const COLUMNS = [
  { title: 'ACCOUNT' },
  { title: 'MAILBOX' },
  { title: 'MESSAGES', align: 'right' },
  { title: 'CALENDARS' },
  { title: 'APPLIED', align: 'right' },
  { title: 'LATEST CHANGE' },
  { title: 'STATE' },
] as const;

/** The state of `watch` at `nowMs`. */
export function liveView(watch: Watch, frame: LiveViewContext, nowMs: number): View {
  const all = inOrder(watch);
  const elapsed = duration(nowMs - frame.startedMs);
  const arrived = arrivalsInWords(frame.arrivals);
  const [head = '', ...rows] = table(
    COLUMNS,
    all.map((watched) => rowOf(watched, nowMs)),
  );
  return {
    line: `${elapsed}: ${frame.title}; ${lineOf(all)}, ${arrived}`,
    lines: [
      styled(`${frame.title} · ${elapsed} · ${lineOf(all)}`, 'bold'),
      `changes: ${arrived}`,
      '',
      styled(head, 'dim'),
      ...rows,
    ],
  };
}

function lineOf(all: readonly Watched[]): string {
  const mirrored = all.filter(({ mirroredAtMs }) => mirroredAtMs !== null).length;
  const messages = all.reduce((sum, watched) => sum + messagesOf(watched), 0);
  const applied = all.reduce((sum, watched) => sum + watched.applied, 0);
  return `${mirrored} of ${counted(all.length, 'account')} mirrored, ${counted(messages, 'message')}, ${counted(applied, 'change')} applied`;
}

function rowOf(watched: Watched, nowMs: number): string[] {
  const { account } = watched;
  const mailbox = account.collections.find(({ kind }) => kind === 'gmail');
  return [
    account.email,
    mailbox === undefined ? '' : mailboxBar(mailbox),
    amount(messagesOf(watched)),
    calendarsOf(account),
    amount(watched.applied),
    watched.last === null
      ? ''
      : `${watched.last.entity} ${watched.last.op} ${when(watched.last.at, nowMs)}`,
    account.state === 'active' ? (errorOf(account) ?? 'active') : stateOf(account),
  ];
}

function mailboxBar({ phase, progress }: CollectionView): string {
  return phase === 'incremental' ? bar(1, 1) : bar(progress.done, progress.total);
}

function calendarsOf(account: AccountView): string {
  const calendars = activeCollections(account).filter(({ kind }) => kind === 'calendar-events');
  return `${calendars.filter(({ phase }) => phase === 'incremental').length}/${calendars.length}`;
}

function errorOf(account: AccountView): string | null {
  return activeCollections(account).find(({ error }) => error !== null)?.error ?? null;
}
