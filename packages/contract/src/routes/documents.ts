import { z } from 'zod';
import { noParams, noQuery } from '../parameters.js';
import { route } from '../route.js';

const tag = 'Document';

/** A file that a browser loads, for everybody. */
function file<const Path extends string, const Media extends string>(
  path: Path,
  media: Media,
  summary: string,
) {
  return route({
    method: 'GET',
    path,
    tag,
    summary,
    scope: null,
    params: noParams,
    query: noQuery,
    body: null,
    answers: { 200: { description: 'The file', schema: z.string(), media } },
    problems: [],
    weight: 1,
    spendsQuota: false,
  });
}

export const DOCUMENT_ROUTES = {
  'document.get': route({
    method: 'GET',
    path: '/openapi.json',
    tag,
    summary: 'Get this document',
    scope: null,
    params: noParams,
    query: noQuery,
    body: null,
    answers: {
      200: {
        description: 'The OpenAPI document',
        schema: z.object({ openapi: z.string() }).catchall(z.unknown()),
      },
    },
    problems: [],
    weight: 1,
    spendsQuota: false,
  }),
  'docs.page': file('/docs', 'text/html', 'Read this document as a page'),
  'docs.script': file('/docs/page.js', 'text/javascript', "Get the page's script"),
  'docs.style': file('/docs/page.css', 'text/css', "Get the page's style sheet"),
};
