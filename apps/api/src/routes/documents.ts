import { readFileSync } from 'node:fs';
import { openApiDocument, ROUTES } from '@syncline/contract';
import type { HandlersOf } from '../v1/handler.js';
import type { HandlerDeps } from './index.js';

/** Swagger UI sets styles of elements; nothing is loaded from elsewhere, and nothing is inline. */
const PAGE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
};
const FILE_HEADERS = { 'Cache-Control': 'public, max-age=3600' };

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Syncline API</title>
<link rel="stylesheet" href="docs/page.css">
<body>
<main id="page">The document itself: <a href="openapi.json">openapi.json</a></main>
<script src="docs/page.js"></script>
</body>
</html>
`;

/** The key that a person enters stays in the page's memory. */
const START = `
SwaggerUIBundle({ url: 'openapi.json', dom_id: '#page', deepLinking: true, persistAuthorization: false, validatorUrl: null });
`;

export function documentHandlers({ version, serverUrl }: HandlerDeps): HandlersOf<'Document'> {
  const document = openApiDocument(ROUTES, { version, serverUrl });
  // 1.5 MB, for processes whose page is opened.
  const files = new Map<string, string>();
  const file = (name: string): string => {
    const text =
      files.get(name) ?? readFileSync(require.resolve(`swagger-ui-dist/${name}`), 'utf8');
    files.set(name, text);
    return text;
  };
  return {
    'document.get': async () => ({ status: 200, body: { ...document } }),
    'docs.page': async () => ({ status: 200, body: PAGE, headers: PAGE_HEADERS }),
    'docs.script': async () => ({
      status: 200,
      body: `${file('swagger-ui-bundle.js')}${START}`,
      headers: FILE_HEADERS,
    }),
    'docs.style': async () => ({
      status: 200,
      body: file('swagger-ui.css'),
      headers: FILE_HEADERS,
    }),
  };
}
