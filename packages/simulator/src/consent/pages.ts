/** The pages that a person sees, as plain HTML forms without script. */
import type { Reply } from '../http/reply.js';
import type { PageError } from './request.js';
import { describeScope } from './scopes.js';

export const ACCOUNT_PATH = '/signin/oauth/account';
export const CONSENT_PATH = '/signin/oauth/consent';

const CHOICES_SHOWN = 50;

/**
 * "Choose an account": the first accounts by name, and a field for any other.
 * @param ticket names the authorization request in the next form
 */
export function chooserPage(
  ticket: string,
  clientName: string,
  emails: readonly string[],
  hint: string | null,
): Reply {
  const choices = emails
    .slice(0, CHOICES_SHOWN)
    .map(
      (email) => `<li><button name="email" value="${escape(email)}">${escape(email)}</button></li>`,
    );
  return page(
    200,
    'Choose an account',
    `<p>to continue to <strong>${escape(clientName)}</strong></p>
${form(ACCOUNT_PATH, ticket, `<ul>${choices.join('\n')}</ul>`)}
${form(
  ACCOUNT_PATH,
  ticket,
  `<label>Another account: <input type="email" name="email" value="${escape(hint ?? '')}" required></label>
<button>Next</button>`,
)}`,
  );
}

export interface ConsentView {
  readonly ticket: string;
  readonly clientName: string;
  readonly email: string;
  /** The scopes with a box each; a single one has none, and Continue grants it. */
  readonly scopes: readonly string[];
  readonly ticked: boolean;
}

/** "… wants access to your Google Account". Boxes are not ticked at first. */
export function consentPage({ ticket, clientName, email, scopes, ticked }: ConsentView): Reply {
  const asked =
    scopes.length === 1
      ? `<ul><li>${escape(describeScope(scopes[0] as string))}</li></ul>`
      : scopes.map((scope) => box(scope, ticked)).join('\n');
  return page(
    200,
    `${clientName} wants access to your Google Account`,
    `<p>${escape(email)}</p>
${form(
  CONSENT_PATH,
  ticket,
  `${scopes.length > 0 ? `<p>Select what ${escape(clientName)} can access</p>` : ''}
${asked}
<p>${scopes.length > 1 ? '<button name="decision" value="select-all">Select all</button>' : ''}
<button name="decision" value="cancel">Cancel</button>
<button name="decision" value="continue">Continue</button></p>`,
)}`,
  );
}

function box(scope: string, ticked: boolean): string {
  return `<p><label><input type="checkbox" name="scope" value="${escape(scope)}"${ticked ? ' checked' : ''}> ${escape(describeScope(scope))}</label></p>`;
}

/** "Access blocked": shown in place of a redirect. */
export function errorPage({ status, code, text }: PageError): Reply {
  return page(
    status,
    'Access blocked',
    `<p>${escape(text)}</p><p>Error ${status}: ${escape(code)}</p>`,
  );
}

function form(action: string, ticket: string, content: string): string {
  return `<form method="post" action="${action}"><input type="hidden" name="request" value="${escape(ticket)}">
${content}</form>`;
}

function page(status: number, title: string, content: string): Reply {
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(title)}</title>
<style>body{font:16px sans-serif;max-width:32em;margin:3em auto;padding:0 1em}ul{list-style:none;padding:0}button{font:inherit;padding:.4em 1em;margin:.2em 0}</style></head>
<body><p>Simulated Google</p><h1>${escape(title)}</h1>
${content}
</body></html>
`;
  return {
    status,
    contentType: 'text/html; charset=utf-8',
    body: Buffer.from(html),
    headers: {
      'Cache-Control': 'no-cache, no-store, max-age=0, must-revalidate',
      'Content-Security-Policy':
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      'X-Frame-Options': 'DENY',
    },
  };
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
