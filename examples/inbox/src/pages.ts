/** The pages. They hold text of strangers: see html.ts. */
import type { Account, ConnectSession, Freshness, Instance, Message } from '@syncline/client';
import { Html, html } from './html.js';

/** What the page of an account shows. */
export interface Mailbox {
  account: Account;
  messages: Message[];
  /** The cursor of older messages. */
  older: string | null;
  instances: Instance[];
  freshness: Freshness;
}

function layout(title: string, body: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="stylesheet" href="/app.css" />
        <script src="/app.js" defer></script>
      </head>
      <body>
        <header><a href="/">Inbox</a></header>
        ${body}
      </body>
    </html>`;
}

export function accountsPage(accounts: readonly Account[]): Html {
  const rows = accounts.toSorted(byAddress).map(
    ({ id, email, state }) =>
      html`<li>
        <a href="/accounts/${id}">${email}</a>
        ${STATES[state] === null ? '' : html`<em>${STATES[state]}</em>`}
        ${state === 'reauth_required' ? connectForm(`/accounts/${id}/connect`, 'Connect again') : ''}
      </li>`,
  );
  const body =
    rows.length === 0
      ? html`<p>No account is connected yet.</p>`
      : html`<ul class="accounts">
          ${rows}
        </ul>`;
  return layout(
    'Accounts',
    html`<main>
      <h1>Accounts</h1>
      ${body} ${connectForm('/connect', 'Connect a Google account')}
    </main>`,
  );
}

/** `user2` before `user10`. */
const collator = new Intl.Collator('en', { numeric: true });
const byAddress = (a: Account, b: Account): number => collator.compare(a.email, b.email);

/** What a person reads about an account; null: nothing. */
const STATES: Readonly<Record<Account['state'], string | null>> = {
  active: null,
  reauth_required: 'needs your permission again',
  disabled: 'cannot be read at the moment',
  paused: 'paused',
  removing: 'is being removed',
};

/** Leads to the connect pages, and back to `/connected`. */
function connectForm(action: string, label: string): Html {
  return html`<form method="post" action="${action}"><button>${label}</button></form>`;
}

/** Shown when a person comes back without a connected account. Another attempt is for the same one. */
export function notConnectedPage({ accountId, outcome }: ConnectSession): Html {
  const action = accountId === null ? '/connect' : `/accounts/${accountId}/connect`;
  return layout(
    'Not connected',
    html`<main>
      <h1>Not connected</h1>
      <p>${(outcome && NOT_CONNECTED[outcome]) ?? 'No account was connected.'}</p>
      ${connectForm(action, 'Try again')}
      <p><a href="/">All accounts</a></p>
    </main>`,
  );
}

/** The words are the product's own: the details of the API are for its developers. */
const NOT_CONNECTED: Partial<Record<NonNullable<ConnectSession['outcome']>, string>> = {
  cancelled: 'You have cancelled. Nothing was changed.',
  'nothing-granted': 'No box was ticked on Google’s page.',
  'fewer-granted': 'Tick every box on Google’s page. Nothing was changed.',
  'wrong-account': 'You chose another Google account. Nothing was changed.',
  expired: 'The link has expired.',
  'google-unavailable': 'Google did not answer.',
};

export function mailboxPage(mailbox: Mailbox): Html {
  const { account } = mailbox;
  return layout(
    account.email,
    html`<main id="mailbox" class="mailbox" data-live="/accounts/${account.id}/live">
      ${mailboxParts(mailbox)}
    </main>`,
  );
}

/** What is replaced when the account has changed. */
export function mailboxParts({ account, messages, older, instances, freshness }: Mailbox): Html {
  const { asOf, complete } = freshness;
  const state = complete ? '' : ' · the first sync is not done yet';
  const more =
    older === null
      ? ''
      : html`<p>
          <a href="/accounts/${account.id}?cursor=${encodeURIComponent(older)}">Older</a>
        </p>`;
  return html`<h1>${account.email}</h1>
    <p class="fresh">
      ${asOf === null ? 'Not synced yet' : html`As of <time>${asOf.slice(0, 19).replace('T', ' ')}</time> UTC`}${state}
    </p>
    <section aria-labelledby="messages">
      <h2 id="messages">Messages</h2>
      <ul class="messages">
        ${messages.map((message) => messageRow(account.id, message))}
      </ul>
      ${messages.length === 0 ? html`<p>Nothing here.</p>` : ''}${more}
    </section>
    <section aria-labelledby="agenda">
      <h2 id="agenda">Agenda</h2>
      ${instances.length === 0 ? html`<p>Nothing in the next two weeks.</p>` : agenda(instances)}
    </section>`;
}

function messageRow(account: string, message: Message): Html {
  const { id, from, subject, snippet, internalDate, labelIds } = message;
  return html`<li class="${labelIds.includes('UNREAD') ? 'unread' : 'read'}">
    <a href="/accounts/${account}/messages/${encodeURIComponent(id)}">
      <span class="from">${nameOf(from)}</span>
      <time
        >${internalDate === null ? '' : dayOf(new Date(Number(internalDate)).toISOString())}</time
      >
      <span class="subject">${subject ?? '(no subject)'}</span>
      <span class="snippet">${snippet}</span>
    </a>
  </li>`;
}

function agenda(instances: readonly Instance[]): Html {
  const days = new Map<string, Html[]>();
  for (const { event, start, end } of instances) {
    const { summary, location, start: begins } = event as GooglesEvent;
    const when = begins?.date === undefined ? `${hourOf(start)}–${hourOf(end)}` : 'all day';
    const row = html`<li>
      <time>${when}</time> <span>${summary ?? '(no title)'}</span> <em>${location ?? ''}</em>
    </li>`;
    days.set(dayOf(start), [...(days.get(dayOf(start)) ?? []), row]);
  }
  return html`${[...days].map(
      ([day, rows]) =>
        html`<h3>${day}</h3>
          <ul class="agenda">
            ${rows}
          </ul>`,
    )}
    <p class="fresh">Times are UTC.</p>`;
}

/** The fields of Google's that are shown. */
interface GooglesEvent {
  summary?: string;
  location?: string;
  start?: { date?: string };
}

export function messagePage(account: string, message: Message): Html {
  const { subject, from, to, date, text, attachments } = message;
  const files = attachments.map(({ filename, size }) => html`<li>${filename} (${size} bytes)</li>`);
  return layout(
    subject ?? '(no subject)',
    html`<main class="message">
      <p><a href="/accounts/${account}">Back</a></p>
      <h1>${subject ?? '(no subject)'}</h1>
      <dl>
        <dt>From</dt>
        <dd>${from ?? ''}</dd>
        <dt>To</dt>
        <dd>${to ?? ''}</dd>
        <dt>Date</dt>
        <dd>${date ?? ''}</dd>
      </dl>
      <pre>${text ?? 'This message has no plain text.'}</pre>
      ${
        files.length === 0
          ? ''
          : html`<h2>Attachments</h2>
              <ul>
                ${files}
              </ul>`
      }
    </main>`,
  );
}

export function failurePage(text: string): Html {
  return layout(
    'Not available',
    html`<main>
      <h1>Not available</h1>
      <p>${text}</p>
    </main>`,
  );
}

function nameOf(from: string | null): string {
  const name = /^\s*"?([^"<]+?)"?\s*</.exec(from ?? '')?.[1];
  return name ?? from ?? '(unknown)';
}

function dayOf(time: string): string {
  return time.slice(0, 10);
}

function hourOf(time: string): string {
  return time.slice(11, 16);
}
