/** Parses the input of a request by its route's schemas, and names every mistake. Pure. */
import type { Mistake, Route } from '@syncline/contract';
import type { z } from 'zod';
import type { Body } from './body.js';

export interface ParsedInput {
  query: Record<string, unknown>;
  /** Those that are input; undefined when the route has none. */
  headers: Record<string, unknown> | undefined;
  body: unknown;
  /** A body of lines. */
  lines: Buffer | null;
}

interface InputCheck {
  /** To be used only without mistakes. */
  input: ParsedInput;
  errors: Mistake[];
}

/** More mistakes than a person reads. */
const MISTAKES_LIMIT = 50;

/**
 * @param search the query string without its question mark
 * @param headers by their names in lower case
 */
export function checkInput(
  route: Route,
  { search, headers, body }: { search: string; headers: GivenHeaders; body: Body },
): InputCheck {
  const query = checkQuery(route.query, search);
  const checkedHeaders = checkHeaders(route, headers);
  const checkedBody = checkBody(route, body);
  const errors = [...query.errors, ...checkedHeaders.errors, ...checkedBody.errors];
  return {
    input: {
      query: query.value,
      headers: checkedHeaders.value,
      body: checkedBody.value,
      lines: body.kind === 'lines' ? body.bytes : null,
    },
    errors: errors.slice(0, MISTAKES_LIMIT),
  };
}

type GivenHeaders = Readonly<Record<string, string | string[] | undefined>>;

function checkHeaders(
  { headers: schema }: Route,
  given: GivenHeaders,
): { value: Record<string, unknown> | undefined; errors: Mistake[] } {
  if (schema === undefined) return { value: undefined, errors: [] };
  const named = Object.keys(schema.shape).map((name) => [name, given[name.toLowerCase()]] as const);
  const parsed = schema.safeParse(Object.fromEntries(named));
  return parsed.success
    ? { value: parsed.data, errors: [] }
    : { value: undefined, errors: mistakesOf('header', parsed.error) };
}

/** Returns null when a parameter of the path cannot name anything. */
export function checkParams(
  { params }: Route,
  given: Readonly<Record<string, string>>,
): Record<string, unknown> | null {
  return params.safeParse(given).data ?? null;
}

function checkQuery(
  schema: z.ZodObject,
  search: string,
): { value: Record<string, unknown>; errors: Mistake[] } {
  const errors: Mistake[] = [];
  const given = new Map<string, unknown>();
  for (const part of search.split('&')) {
    if (part === '') continue;
    const [name, text] = nameAndText(part);
    if (name === null || text === null)
      errors.push(mistake('query', nameFor(name ?? ''), 'is not encoded properly'));
    else if (given.has(name)) errors.push(mistake('query', nameFor(name), 'is given twice'));
    else given.set(name, coerced(schema.shape[name], text));
  }
  const parsed = schema.safeParse(Object.fromEntries(given));
  if (!parsed.success) errors.push(...mistakesOf('query', parsed.error));
  return { value: parsed.data ?? {}, errors };
}

function nameAndText(part: string): [string | null, string | null] {
  const at = part.indexOf('=');
  const name = at < 0 ? part : part.slice(0, at);
  return [decoded(name), decoded(at < 0 ? '' : part.slice(at + 1))];
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return null;
  }
}

/** A number or a boolean of a query is a text; what is neither stays a text, and is refused. */
function coerced(schema: unknown, text: string): unknown {
  const type = innerType(schema as z.core.$ZodType | undefined);
  if (type === 'number' && /^(?:0|[1-9]\d{0,14})$/.test(text)) return Number(text);
  if (type === 'boolean' && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function innerType(schema: z.core.$ZodType | undefined): string {
  const def = schema?._zod.def as { type: string; innerType?: z.core.$ZodType } | undefined;
  if (def === undefined) return 'unknown';
  return def.innerType === undefined ? def.type : innerType(def.innerType);
}

function checkBody(route: Route, body: Body): { value: unknown; errors: Mistake[] } {
  if (route.body === null) return { value: undefined, errors: [] };
  switch (body.kind) {
    case 'absent':
      return route.bodyIsOptional === true
        ? { value: undefined, errors: [] }
        : { value: undefined, errors: [mistake('body', '', 'is missing')] };
    case 'json': {
      const parsed = route.body.safeParse(body.value);
      return parsed.success
        ? { value: parsed.data, errors: [] }
        : { value: undefined, errors: mistakesOf('body', parsed.error) };
    }
    case 'lines':
      return { value: undefined, errors: [] };
    case 'invalid':
      return { value: undefined, errors: [mistake('body', '', body.problem)] };
    case 'refused':
      throw new Error('a refused body is answered before it is checked');
  }
}

/** Zod's messages name types and choices, never the given value. */
function mistakesOf(place: Mistake['in'], error: z.ZodError): Mistake[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map((part) => nameFor(String(part))).join('.');
    return issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) =>
          mistake(place, [path, nameFor(key)].filter(Boolean).join('.'), 'is not known here'),
        )
      : [mistake(place, path, issue.message)];
  });
}

function mistake(place: Mistake['in'], path: string, message: string): Mistake {
  return { in: place, path, message };
}

/** A misplaced value may be a secret, so only what looks like a name is quoted. */
function nameFor(key: string): string {
  return /^(?:[A-Za-z_][A-Za-z_-]{0,30}|\d{1,4})$/.test(key) ? key : '(unnamed)';
}
