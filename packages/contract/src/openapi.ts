/** Writes the OpenAPI 3.1 document from the route table. */
import {
  OpenAPIRegistry,
  OpenApiGeneratorV31,
  type RouteConfig,
} from '@asteasolutions/zod-to-openapi';
import { z } from 'zod';
import { PROBLEMS, problemDocument, problemType, type ProblemName } from './problems.js';
import { BODY_LIMIT_BYTES, type AnswerSpec, type Route } from './route.js';
import { TAGS } from './routes/index.js';
import { isIdempotent, problemsOf } from './route-problems.js';

const KEY_SCHEME = 'apiKey';
const LINES = 'application/x-ndjson';

/** Headers of every answer. */
const COMMON_HEADERS = {
  'Syncline-Request-Id': 'The id of the request, as in the logs.',
};
const RATE_HEADERS = {
  'RateLimit-Policy': 'The limit of the key.',
  RateLimit: 'What is left of it.',
};

export const IDEMPOTENCY_KEY_LIMIT = 255;

const idempotencyKey = z
  .string()
  .min(1)
  .max(IDEMPOTENCY_KEY_LIMIT)
  .regex(/^[\x21-\x7e]+$/)
  .optional()
  .meta({
    description:
      'A repeated request with the same key gets the answer of the first one, for 24 hours.',
  });

type Document = ReturnType<OpenApiGeneratorV31['generateDocument']>;

/** @param routes the table, or the part of it that is served */
export function openApiDocument(
  routes: Readonly<Record<string, Route>>,
  { version, serverUrl }: { version: string; serverUrl: string },
): Document {
  const registry = new OpenAPIRegistry();
  registry.registerComponent('securitySchemes', KEY_SCHEME, {
    type: 'http',
    scheme: 'bearer',
    description: 'An API key: `syncline keys create` prints one.',
  });
  for (const [id, route] of Object.entries(routes)) registry.registerPath(pathOf(id, route));
  const { webhooks: _none, ...document } = new OpenApiGeneratorV31(
    registry.definitions,
  ).generateDocument({
    openapi: '3.1.0',
    info: {
      title: 'Syncline',
      version,
      description:
        'Mirrored Google accounts: reads, syncs and operations. Errors are `application/problem+json`; `type` is stable.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: serverUrl }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
  });
  return document;
}

function pathOf(id: string, route: Route): RouteConfig {
  return {
    method: route.method.toLowerCase() as RouteConfig['method'],
    path: route.path,
    operationId: id,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    security: route.scope === null ? [] : [{ [KEY_SCHEME]: [] }],
    request: {
      params: route.params,
      query: route.query,
      ...headersIn(route),
      ...(route.body === null
        ? {}
        : {
            body: {
              required: route.bodyIsOptional !== true,
              content: {
                'application/json': { schema: route.body },
                ...(route.bodyLines && { [LINES]: { schema: route.bodyLines.line } }),
              },
            },
          }),
    },
    responses: {
      ...Object.fromEntries(
        Object.entries(route.answers).map(([status, answer]) => [
          status,
          responseOf(route, answer),
        ]),
      ),
      ...problemResponses(route),
    },
    'x-syncline-scope': route.scope,
    'x-syncline-weight': route.weight,
    'x-syncline-spends-quota': route.spendsQuota,
    ...(route.body === null
      ? {}
      : { 'x-syncline-body-limit-bytes': route.bodyLimitBytes ?? BODY_LIMIT_BYTES }),
  };
}

function headersIn(route: Route): { headers?: z.ZodObject } {
  if (!isIdempotent(route)) return route.headers === undefined ? {} : { headers: route.headers };
  return {
    headers: z.object({ ...route.headers?.shape, 'Idempotency-Key': idempotencyKey }),
  };
}

type Responses = RouteConfig['responses'];

function responseOf(route: Route, answer: AnswerSpec): Responses[string] {
  return {
    description: answer.description,
    headers: headersOf({
      ...COMMON_HEADERS,
      ...(route.scope === null ? {} : RATE_HEADERS),
      ...answer.headers,
    }),
    content: Object.fromEntries(
      Object.entries({
        [answer.media ?? 'application/json']: answer.schema,
        ...answer.streams,
      }).map(([media, schema]) => [media, { schema }]),
    ),
  };
}

/** Problems of one status share an answer; `type` tells them apart. */
function problemResponses(route: Route): Responses {
  const byStatus = new Map<number, ProblemName[]>();
  for (const name of problemsOf(route)) {
    const { status } = PROBLEMS[name];
    byStatus.set(status, [...(byStatus.get(status) ?? []), name]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [
      status,
      {
        description: names.map((name) => `\`${name}\`: ${PROBLEMS[name].title}`).join('; '),
        headers: headersOf({
          ...COMMON_HEADERS,
          ...(status === 429 ? { ...RATE_HEADERS, 'Retry-After': 'In seconds.' } : {}),
        }),
        content: {
          'application/problem+json': { schema: problemDocument },
        },
        'x-syncline-problems': names.map(problemType),
      },
    ]),
  );
}

function headersOf(headers: Readonly<Record<string, string>>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [
      name,
      { description, schema: { type: 'string' as const } },
    ]),
  );
}
