import { openApiDocument, ROUTES, type RouteId } from '@syncline/contract';
import Ajv2020, { type ValidateFunction } from 'ajv/dist/2020';

/** An answer of the API. */
export interface ApiAnswer {
  status: number;
  headers: Headers;
  text: string;
  /** The parsed body; the text of an answer that is not JSON. */
  json: unknown;
}

export const DOCUMENT = openApiDocument(ROUTES, { version: '0.0.0', serverUrl: '/' });

/** The document with closed objects: an answer with a field that it does not name is refused. */
const CLOSED = closed(JSON.parse(JSON.stringify(DOCUMENT))) as object;

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addFormat('uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
ajv.addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
ajv.addSchema(CLOSED, 'document');

const validators = new Map<string, ValidateFunction | null>();

/** Each operation with each status that was answered: `accounts.list 200`. */
export const SEEN = new Set<string>();

/**
 * Throws when an answer of an operation is not what the document says of its status.
 * @param method as it was sent
 */
export function checkAnswer(id: RouteId, method: string, answer: ApiAnswer): void {
  const { status } = answer;
  if (status === 304) return;
  const media = (answer.headers.get('content-type') ?? '').split(';')[0] ?? '';
  const key = `${id} ${status}`;
  const validate = validatorOf(id, status, media);
  if (validate === null) throw new Error(`the document does not have ${key} as ${media}`);
  if (method !== 'HEAD' && validate !== undefined && !validate(answer.json))
    throw new Error(
      `${key} is not as documented: ${ajv.errorsText(validate.errors)}\n${answer.text}`,
    );
  for (const header of headersOf(id, status))
    if (!answer.headers.has(header)) throw new Error(`${key} lacks the header ${header}`);
  SEEN.add(key);
}

/** Every operation with every status of the document. */
export function documented(): string[] {
  return Object.entries(ROUTES).flatMap(([id, route]) =>
    Object.keys(responsesOf(id as RouteId, route)).map((status) => `${id} ${status}`),
  );
}

function validatorOf(id: RouteId, status: number, media: string): ValidateFunction | null {
  const key = `${id} ${status} ${media}`;
  const known = validators.get(key);
  if (known !== undefined) return known;
  const response = responsesOf(id)[status];
  const made =
    response?.content?.[media] === undefined
      ? null
      : ajv.compile({ $ref: `document#${pointer(id, status, media)}` });
  validators.set(key, made);
  return made;
}

interface Response {
  headers?: Record<string, unknown>;
  content?: Record<string, unknown>;
}

function responsesOf(
  id: RouteId,
  { path, method }: { path: string; method: string } = ROUTES[id],
): Record<number, Response> {
  const operations = DOCUMENT.paths?.[path] as Record<
    string,
    { responses: Record<number, Response> }
  >;
  return operations[method.toLowerCase()]?.responses ?? {};
}

function headersOf(id: RouteId, status: number): string[] {
  return Object.keys(responsesOf(id)[status]?.headers ?? {});
}

function pointer(id: RouteId, status: number, media: string): string {
  const { path, method } = ROUTES[id];
  const parts = [
    'paths',
    path,
    method.toLowerCase(),
    'responses',
    status,
    'content',
    media,
    'schema',
  ];
  return parts.map((part) => `/${encodeURIComponent(String(part).replaceAll('/', '~1'))}`).join('');
}

function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== 'object' || node === null) return node;
  const entries = Object.entries(node).map(([key, value]) => [key, closed(value)] as const);
  const isOpen = 'properties' in node && !('additionalProperties' in node);
  return { ...Object.fromEntries(entries), ...(isOpen ? { additionalProperties: false } : {}) };
}
