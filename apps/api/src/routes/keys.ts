import {
  createApiKey,
  excessOf,
  revokeApiKey,
  rotateApiKey,
  type Caller,
  type MadeKey,
} from '@syncline/control/api-keys';
import type { ApiKeyRow } from '@syncline/store';
import type { HandlersOf } from '../v1/handler.js';
import { BAD_CURSOR, pageOf, positionOf } from '../v1/paging.js';
import type { HandlerDeps } from './index.js';

const MILLISECONDS = /^\d{1,15}$/;
const KEY_ID = /^[0-9A-Za-z]{10}$/;
const NOT_FOUND = { problem: 'not-found', detail: 'There is no such key.' } as const;
/** An answer with a secret is kept nowhere on its way. */
const NO_STORE = { 'Cache-Control': 'no-store' };

type Keys = HandlersOf<'Keys'>;

export function keyHandlers(deps: HandlerDeps): Keys {
  return {
    'keys.list': listing(deps),
    'keys.create': creating(deps),
    'keys.revoke': async ({ params: { id }, caller }) => {
      if ((await keyOf(deps, caller, id)) === null) return NOT_FOUND;
      const revoked = await revokeApiKey(deps, id);
      return revoked === null ? NOT_FOUND : { status: 200, body: keyDocument(revoked) };
    },
    'keys.rotate': rotating(deps),
  };
}

function listing({ store }: HandlerDeps): Keys['keys.list'] {
  return async ({ query, caller: { tenant } }) => {
    const asked = { route: 'keys.list', params: { tenant }, query };
    const position = positionOf(asked, [MILLISECONDS, KEY_ID]);
    if (position === 'bad-cursor') return BAD_CURSOR;
    const [createdAtMs = '', id = ''] = position ?? [];
    const after = position && { createdAtMs: Number(createdAtMs), id };
    const { rows, next } = await pageOf(
      asked,
      (limit) => store.apiKeys.page({ tenant, after, limit }),
      (key) => [String(key.createdAt.getTime()), key.id],
    );
    return { status: 200, body: { data: rows.map(keyDocument), next } };
  };
}

function creating(deps: HandlerDeps): Keys['keys.create'] {
  return async ({ body, caller }) => {
    const { name, scopes, tenant = caller.tenant } = body;
    const request = { name, scopes, tenant, expiresAt: endOf(body, caller) };
    const excess = excessOf(caller, request);
    if (excess !== null) return { problem: 'exceeds-own-rights', detail: excess };
    const made = await createApiKey(deps, request, caller);
    return made === null
      ? { problem: 'too-many-keys', detail: 'Revoke keys that are not used.' }
      : { status: 201, body: madeDocument(made), headers: NO_STORE };
  };
}

/** Without an end of its own, a key ends as the one that makes it. */
function endOf(
  { expiresAt }: { expiresAt?: string | null | undefined },
  caller: Caller,
): Date | null {
  if (expiresAt === undefined) return caller.expiresAt;
  return expiresAt === null ? null : new Date(expiresAt);
}

function rotating(deps: HandlerDeps): Keys['keys.rotate'] {
  return async ({ params: { id }, body, caller }) => {
    const key = await keyOf(deps, caller, id);
    if (key === null) return NOT_FOUND;
    if (!key.isLive) return NOT_LIVE;
    const excess = excessOf(caller, key);
    if (excess !== null) return { problem: 'exceeds-own-rights', detail: excess };
    const overlapMs = (body?.overlapSeconds ?? OVERLAP_SECONDS) * 1_000;
    const made = await rotateApiKey(deps, id, { overlapMs }, caller);
    return made === null ? NOT_LIVE : { status: 201, body: madeDocument(made), headers: NO_STORE };
  };
}

const OVERLAP_SECONDS = 86_400;
const NOT_LIVE = {
  problem: 'key-not-live',
  detail: 'The key is revoked, has expired, or has a successor.',
} as const;

/** A key of another tenant is not found. */
async function keyOf(
  { store }: HandlerDeps,
  { tenant }: Caller,
  id: string,
): Promise<Awaited<ReturnType<typeof store.apiKeys.get>>> {
  const key = await store.apiKeys.get(id);
  return key !== null && (tenant === null || key.tenant === tenant) ? key : null;
}

type Scopes = Caller['scopes'] extends ReadonlySet<infer Scope> ? Scope[] : never;

function keyDocument(row: ApiKeyRow) {
  return {
    id: row.id,
    name: row.name,
    tenant: row.tenant,
    scopes: row.scopes as Scopes,
    createdAt: row.createdAt,
    createdBy: row.createdBy,
    expiresAt: row.expiresAt,
    lastUsedAt: row.lastUsedAt,
    revokedAt: row.revokedAt,
    successorId: row.successorId,
  };
}

function madeDocument(made: MadeKey) {
  return { ...keyDocument(made), key: made.key };
}
