/** The frame of the connect pages: markup, style and the policy that admits nothing else. */
import { createHash } from 'node:crypto';

/** Markup that is written as it is. Every other text is escaped. */
export class Html {
  constructor(readonly text: string) {}
}

/** Writes markup; values are escaped. */
export function html(parts: TemplateStringsArray, ...values: (string | Html | Html[])[]): Html {
  const written = values.map((value, at) => `${rendered(value)}${parts[at + 1] ?? ''}`);
  return new Html(`${parts[0] ?? ''}${written.join('')}`);
}

function rendered(value: string | Html | Html[]): string {
  if (value instanceof Html) return value.text;
  return Array.isArray(value) ? value.map(({ text }) => text).join('') : escaped(value);
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES.get(character) ?? character);
}

const STYLE = `
:root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--text:#1b1f24;--soft:#57606a;--line:#d5d9de;--accent:#0b57d0;--on-accent:#fff;--good:#116329;--bad:#a40e26}
@media (prefers-color-scheme:dark){:root{--page:#0f1115;--card:#181b21;--text:#e8eaed;--soft:#a6adb7;--line:#343a43;--accent:#a8c7fa;--on-accent:#062e6f;--good:#7ee2a0;--bad:#ffa8a8}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--text);font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
main{max-width:34rem;margin:8vh auto;padding:2rem;background:var(--card);border:1px solid var(--line);border-radius:.75rem}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
h2{font-size:1rem;margin:1.5rem 0 .25rem}
p{margin:0 0 1rem}
ul{margin:0 0 1rem;padding-left:1.25rem}
li{margin:.25rem 0}
form{margin:1.5rem 0 0}
button,.button{display:inline-block;width:100%;padding:.75rem 1.25rem;border:1px solid transparent;border-radius:.5rem;background:var(--accent);color:var(--on-accent);font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
button:hover,.button:hover{filter:brightness(1.08)}
a{color:var(--accent)}
a.button{margin-top:.5rem;color:var(--on-accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
.other{margin:1rem 0 0;text-align:center}
.hint{margin:1.5rem 0 0;padding:.75rem 1rem;border-left:3px solid var(--line);color:var(--soft);font-size:.9375rem}
.hint p:last-child{margin:0}
.good h1{color:var(--good)}
.bad h1{color:var(--bad)}
code{font:.875em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
footer{margin:2rem 0 0;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.8125rem}
footer p{margin:0}
@media (max-width:36rem){body{background:var(--card)}main{margin:0;padding:1.5rem 1.25rem;border:0;border-radius:0}}
@media (forced-colors:active){button,.button{border-color:ButtonText}}
`;

/** Written as one value: white space between the tags would change its hash. */
const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`);
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

export interface Page {
  status: number;
  title: string;
  /** The colour of the title: what went well, what needs something. */
  tone: 'plain' | 'good' | 'bad';
  body: Html;
  /** For the operator: the id of the session. */
  reference: string | null;
  /** Origins to which a form of the page may lead, beside this one: redirects count. */
  leadsTo: readonly string[];
}

/** The page's markup, with its title as a heading. */
export function documentOf({ title, tone, body, reference }: Page): string {
  const foot =
    reference === null
      ? html``
      : html`<footer>
          <p>Reference: <code>${reference}</code></p>
        </footer>`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <main class="${tone}">
          <h1>${title}</h1>
          ${body} ${foot}
        </main>
      </body>
    </html> `.text;
}

/** No script, no frame, nothing from elsewhere. */
export function headersOf({ leadsTo }: Pick<Page, 'leadsTo'>): Record<string, string> {
  const targets = ["'self'", ...new Set(leadsTo)].join(' ');
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action ${targets}; frame-ancestors 'none'`,
    'X-Frame-Options': 'DENY',
    'X-Robots-Tag': 'noindex',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=()',
  };
}
