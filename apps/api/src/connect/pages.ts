/** The pages of the connect flow. Pure. */
import { returnAddress, mayTryAgain, type Asked, type View } from '@syncline/control/connect';
import { unreachable } from '@syncline/runtime';
import { html, type Html, type Page } from './html.js';
import { atStart } from './app-name.js';
import { forAdministrator, OUTCOME_WORDS } from './outcome-pages.js';

export interface PageSettings {
  /** The name of the customer's product. */
  app: string;
  /** The origin of Google's pages. */
  googleOrigin: string;
  /** Where the form of this view is sent. */
  action: string;
}

export function pageOf(view: View, settings: PageSettings): Page {
  switch (view.kind) {
    case 'unknown-link':
      return unknownPage(settings);
    case 'other-browser':
      return plain(409, 'This link was opened in another browser', {
        reference: view.session.id,
        body: html`<p>
          This link works only in the browser in which it was first used. Continue there, or ask
          ${settings.app} for a new link.
        </p>`,
      });
    case 'used':
      return plain(410, 'This link has already been used', {
        reference: view.session.id,
        body: html`<p>
          A Google account was connected with it. To connect another one, ask ${settings.app} for a
          new link.
        </p>`,
      });
    case 'too-many-attempts':
      return plain(429, 'This link was tried too often', {
        reference: view.session.id,
        body: html`<p>Ask ${settings.app} for a new link.</p>`,
      });
    case 'start':
      return startPage(view, settings);
    case 'outcome':
      return outcomePage(view, settings);
    default:
      return unreachable(view);
  }
}

function unknownPage({ app }: PageSettings): Page {
  return plain(404, 'This link does not work', {
    reference: null,
    body: html`<p>
      It may be incomplete. Open it again from the message or page that it came in, or ask ${app}
      for a new link.
    </p>`,
  });
}

/** A callback that was replayed, or that another browser has brought. */
export function refusedPage({ app }: Pick<PageSettings, 'app'>): Page {
  return plain(400, 'This answer from Google cannot be used', {
    reference: null,
    body: html`<p>
        It may have been opened twice, or in a different browser from the one that went to Google.
        Nothing was changed.
      </p>
      <p>Open the link from ${app} again.</p>`,
  });
}

export function tooManyPage(): Page {
  return plain(429, 'Too many attempts', {
    reference: null,
    body: html`<p>Wait a minute, then open the link again.</p>`,
  });
}

export function failedPage({ app }: Pick<PageSettings, 'app'>): Page {
  return plain(503, 'Something went wrong', {
    reference: null,
    body: html`<p>This is not your mistake. Open the link from ${app} again in a few minutes.</p>`,
  });
}

/** A form was sent by another site's page. */
export function foreignPage({ app }: Pick<PageSettings, 'app'>): Page {
  return plain(403, 'This request came from another site', {
    reference: null,
    body: html`<p>Nothing was done. Open the link from ${app} again.</p>`,
  });
}

function plain(
  status: number,
  title: string,
  { reference, body }: Pick<Page, 'reference' | 'body'>,
): Page {
  return { status, title, tone: 'plain', reference, body, leadsTo: [] };
}

function startPage(view: Extract<View, { kind: 'start' }>, settings: PageSettings): Page {
  const { app, googleOrigin, action } = settings;
  const { session, asked, account, clientId } = view;
  const which =
    account === null
      ? html`<p>${atStart(app)} would like to read parts of your Google account.</p>`
      : html`<p>
          ${atStart(app)} needs your permission again for <strong>${account}</strong>. Choose this
          account on Google’s page. Everything that was read before is kept.
        </p>`;
  return {
    status: 200,
    title: `Connect Google to ${app}`,
    tone: 'plain',
    reference: session.id,
    leadsTo: leadsTo(session.returnTo, googleOrigin),
    body: html`${which}
      <h2>What is read</h2>
      <ul>
        ${asked.map(line)}
      </ul>
      <h2>What is not done</h2>
      <ul>
        <li>Nothing is sent, changed or deleted in your account.</li>
        <li>
          Apart from your email address, nothing else in your account is read: no files, no photos,
          no passwords.
        </li>
      </ul>
      <p>
        Google asks for your permission next. <strong>If it shows boxes, tick every one.</strong>
      </p>
      ${button(action, 'Continue with Google')} ${backLink(session, 'open', 'Not now')}
      ${session.isAway ? awayHint(app, clientId) : blockedHint(app, clientId)}`,
  };
}

function line({ title, reads }: Asked): Html {
  return html`<li><strong>${title}:</strong> ${reads}</li>`;
}

/** For a person who went to Google and got no answer: Google's error pages do not redirect. */
function awayHint(app: string, clientId: string): Html {
  return html`<div class="hint">
    <p>
      You went to Google, and no answer came back in time. If Google showed
      <em>Access blocked</em>, trying again does not help. While ${app} is being tested, ${app} has
      to add you as a tester.
    </p>
    ${forAdministrator(app, clientId)}
  </div>`;
}

/** Shown beforehand, because Google's error pages do not redirect. */
function blockedHint(app: string, clientId: string): Html {
  return html`<div class="hint">
    <p>
      If Google shows <em>Access blocked</em>, it does not bring you back here. An administrator has
      to allow ${app} for accounts of a company or school. While ${app} is being tested, ${app} has
      to add you as a tester. Client ID: <code>${clientId}</code>
    </p>
  </div>`;
}

function outcomePage(view: Extract<View, { kind: 'outcome' }>, settings: PageSettings): Page {
  const { app, googleOrigin, action } = settings;
  const { session, outcome } = view;
  const [chosen = null, expected = null] = session.addresses;
  const words = OUTCOME_WORDS[outcome]({
    app,
    missing: view.missing.map(({ title }) => title),
    chosen,
    expected,
    clientId: view.clientId,
  });
  const again = mayTryAgain(view) ? words.again : null;
  return {
    status: words.status,
    title: words.title,
    tone: words.tone,
    reference: session.id,
    leadsTo: leadsTo(session.returnTo, googleOrigin),
    body: html`${words.text} ${again === null ? html`` : button(action, again)}
    ${backLink(session, outcome, `Back to ${app}`, again === null)}`,
  };
}

function button(action: string, label: string): Html {
  return html`<form method="post" action="${action}">
    <button type="submit">${label}</button>
  </form>`;
}

/** @param isNextStep whether it is the page's one next step */
function backLink(
  { id, returnTo }: { id: string; returnTo: string | null },
  outcome: string,
  label: string,
  isNextStep = false,
): Html {
  if (returnTo === null) return html``;
  const address = returnAddress(returnTo, { id, outcome });
  return isNextStep
    ? html`<p><a class="button" href="${address}">${label}</a></p>`
    : html`<p class="other"><a href="${address}">${label}</a></p>`;
}

/** The form leads to Google, and from there, by redirects, back to the customer. */
function leadsTo(returnTo: string | null, googleOrigin: string): string[] {
  return returnTo === null ? [googleOrigin] : [googleOrigin, new URL(returnTo).origin];
}
