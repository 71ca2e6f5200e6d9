/** What a person reads after an attempt: a sentence of what happened, and one next step. */
import type { ConnectOutcome } from '@syncline/contract/connect-outcomes';
import { atStart } from './app-name.js';
import { html, type Html, type Page } from './html.js';

/** What the words are about. */
export interface OutcomeFacts {
  /** The name of the customer's product. */
  app: string;
  /** The names of the resources that were not granted. */
  missing: readonly string[];
  /** The address that was chosen and that of the account, masked; null: they are not known. */
  chosen: string | null;
  expected: string | null;
  /** The id of the OAuth client, for an administrator. */
  clientId: string;
}

export interface OutcomeWords {
  status: number;
  tone: Page['tone'];
  title: string;
  text: Html;
  /** The label of the button that asks Google again; null: that would not help. */
  again: string | null;
}

export const OUTCOME_WORDS: Readonly<
  Record<ConnectOutcome, (facts: OutcomeFacts) => OutcomeWords>
> = {
  connected: ({ app }) => ({
    status: 200,
    tone: 'good',
    title: 'Your Google account is connected',
    text: html`<p>${atStart(app)} can now read what you have allowed. You can close this page.</p>`,
    again: null,
  }),
  renamed: ({ app }) => ({
    status: 200,
    tone: 'good',
    title: 'Your Google account is connected',
    text: html`<p>
      Your Google account has a new address. ${atStart(app)} uses it now, and keeps everything that
      it read before. You can close this page.
    </p>`,
    again: null,
  }),
  'partly-granted': ({ app, missing }) => ({
    status: 200,
    tone: 'plain',
    title: 'Connected, but something is missing',
    text: html`<p>
        ${atStart(app)} can read what you have ticked. This was not ticked on Google’s page:
      </p>
      <ul>
        ${items(missing)}
      </ul>
      <p>You can allow it now. Tick every box on Google’s page.</p>`,
    again: 'Allow the rest',
  }),
  'nothing-granted': ({ app }) => ({
    status: 200,
    tone: 'bad',
    title: 'No box was ticked',
    text: html`<p>
        Google shows a box for each thing that ${app} would like to read, and does not tick any of
        them for you. Nothing was connected.
      </p>
      <p>Ask Google again, and tick the boxes before you continue.</p>`,
    again: 'Ask Google again',
  }),
  'fewer-granted': ({ app, missing }) => ({
    status: 200,
    tone: 'bad',
    title: 'More boxes are needed',
    text: html`<p>
        ${atStart(app)} already reads more of this account than you have ticked. Nothing was
        changed. This was missing:
      </p>
      <ul>
        ${items(missing)}
      </ul>
      <p>Ask Google again, and tick every box.</p>`,
    again: 'Ask Google again',
  }),
  cancelled: () => ({
    status: 200,
    tone: 'plain',
    title: 'You have cancelled',
    text: html`<p>Nothing was connected, and nothing was changed.</p>`,
    again: 'Try again',
  }),
  'wrong-account': ({ app, chosen, expected }) => ({
    status: 200,
    tone: 'bad',
    title: 'This is another Google account',
    text: html`<p>${otherAccount(app, chosen, expected)} Nothing was changed.</p>
      <p>On Google’s page, choose the account that ${app} is connected with.</p>`,
    again: 'Choose the account again',
  }),
  'address-conflict': ({ app, chosen }) => ({
    status: 200,
    tone: 'bad',
    title: 'This address belonged to somebody else',
    text: html`<p>
        ${atStart(app)} still holds the data of the person who had the address
        <strong>${chosen ?? ''}</strong> before. Nothing was connected.
      </p>
      <p>Ask the support of ${app} to remove the earlier account first.</p>`,
    again: null,
  }),
  'identity-unproven': ({ app }) => ({
    status: 200,
    tone: 'bad',
    title: 'This may be another Google account',
    text: html`<p>
        ${atStart(app)} cannot verify that this is the Google account that it read before. Nothing
        was changed.
      </p>
      <p>Ask the support of ${app}, and give them the reference below.</p>`,
    again: null,
  }),
  'no-lasting-permission': () => ({
    status: 200,
    tone: 'bad',
    title: 'Google gave no lasting permission',
    text: html`<p>
      The permission would have ended after an hour, so nothing was connected. Asking again usually
      solves this.
    </p>`,
    again: 'Ask Google again',
  }),
  blocked: ({ app, clientId }) => ({
    status: 200,
    tone: 'bad',
    title: 'Your organisation does not allow this yet',
    text: html`<p>
        An administrator decides which products may read accounts of your organisation. Nothing was
        connected.
      </p>
      ${forAdministrator(app, clientId)}`,
    again: 'Try again',
  }),
  'answer-refused': ({ app }) => ({
    status: 200,
    tone: 'bad',
    title: 'The answer could not be verified',
    text: html`<p>The answer does not match your request to Google. Nothing was connected.</p>
      <p>Try again. If it fails again, give the support of ${app} the reference below.</p>`,
    again: 'Try again',
  }),
  'google-unavailable': () => ({
    status: 200,
    tone: 'bad',
    title: 'Google does not answer',
    text: html`<p>Nothing was connected. This usually passes within minutes.</p>`,
    again: 'Try again',
  }),
  'account-busy': ({ app }) => ({
    status: 200,
    tone: 'bad',
    title: 'This account is being removed',
    text: html`<p>
      ${atStart(app)} is erasing what it has read of this account. Nothing was connected. Try again
      in a few minutes.
    </p>`,
    again: 'Try again',
  }),
  'not-returned': ({ app, clientId }) => ({
    status: 410,
    tone: 'plain',
    title: 'This link has expired',
    text: html`<p>
        You went to Google and did not come back in time. Nothing was connected. Ask ${app} for a
        new link.
      </p>
      <p>Did Google show <em>Access blocked</em>? Then your organisation has to allow it first.</p>
      ${forAdministrator(app, clientId)}`,
    again: null,
  }),
  expired: ({ app }) => ({
    status: 410,
    tone: 'plain',
    title: 'This link has expired',
    text: html`<p>
      Links work for a short time only. Nothing was connected. Ask ${app} for a new one.
    </p>`,
    again: null,
  }),
};

/** What an administrator of the organisation needs to allow the product. */
export function forAdministrator(app: string, clientId: string): Html {
  return html`<p>
    Send this to your administrator: in the Google Admin console, under
    <em>Security, Access and data control, API controls, App access control</em>, trust ${app} by
    its client ID <code>${clientId}</code>.
  </p>`;
}

/** Two addresses may look the same when they are masked. */
function otherAccount(app: string, chosen: string | null, expected: string | null): Html {
  return chosen !== null && chosen === expected
    ? html`You have chosen another account than the one that ${app} is connected with. Shortened,
        both are <strong>${chosen}</strong>.`
    : html`You have chosen <strong>${chosen ?? 'another account'}</strong>, but ${app} is connected
        with <strong>${expected ?? 'a different one'}</strong>.`;
}

function items(names: readonly string[]): Html[] {
  return names.map((name) => html`<li>${name}</li>`);
}
