import { SCOPES, type Scope } from '@syncline/contract/scopes';
import {
  createApiKey,
  listApiKeys,
  revokeApiKey,
  rotateApiKey,
  type MadeKey,
} from '@syncline/control/api-keys';
import { when } from '@syncline/control/words';
import { OperatorError } from '@syncline/runtime';
import type { ApiKeyRow } from '@syncline/store';
import { type Command, InvalidArgumentError } from 'commander';
import { runWithStore } from '../command.js';
import { print, printJson } from '../output.js';
import { printable, printMessage, table } from '../terminal.js';

interface CreateOptions {
  name: string;
  scopes: Scope[];
  tenant?: string;
  expires?: number;
}

/** `syncline keys create`, `list` and `revoke`: the keys of the HTTP API. */
export function addApiKeys(keys: Command): void {
  keys
    .command('create')
    .description('make a key of the HTTP API, and print it once')
    .requiredOption('--name <name>', 'for people: who uses it', keyName)
    .requiredOption('--scopes <list>', `separated by commas: ${SCOPES.join(', ')}`, scopeList)
    .option('--tenant <tenant>', 'for this tenant only; omitted: for every tenant', tenantName)
    .option('--expires <time>', 'such as 90d or 12h; omitted: never', lifetimeMs)
    .option('--json', 'print {"id","key"}, which is the default')
    .action(({ name, scopes, tenant, expires }: CreateOptions) =>
      runWithStore(async ({ rt }, store) => {
        const expiresAt = expires === undefined ? null : new Date(rt.clock.nowMs() + expires);
        const request = { name, scopes, tenant: tenant ?? null, expiresAt };
        await printKey(await createApiKey({ store }, request), TOO_MANY);
        return 0;
      }),
    );
  addRotate(keys);
  keys
    .command('list')
    .description('every key of the HTTP API, the newest first; the keys themselves are not stored')
    .option(
      '--json',
      'print [{"id","name","tenant","scopes","createdAt","createdBy","expiresAt","lastUsedAt","revokedAt","successorId"}]',
    )
    .action(({ json }: { json?: true }) =>
      runWithStore(async ({ rt }, store) => {
        const found = await listApiKeys({ store });
        if (json) await printJson(found);
        else await print(found.length === 0 ? NO_KEYS : tableOf(found, rt.clock.nowMs()));
        return 0;
      }),
    );
  keys
    .command('revoke')
    .argument('<id>')
    .description('refuse a key from now on; every API does so within 5 s')
    .option('--json', 'print {"id","revoked"}')
    .action((id: string, { json }: { json?: true }) =>
      runWithStore(async (_cli, store) => {
        if ((await revokeApiKey({ store }, id)) === null)
          throw new OperatorError('There is no such key: syncline keys list shows their ids.');
        if (json) await printJson({ id, revoked: true });
        else printMessage('revoked; every API refuses the key within 5 s');
        return 0;
      }),
    );
}

function addRotate(keys: Command): void {
  keys
    .command('rotate')
    .argument('<id>')
    .description(
      'make a successor of a key with the same rights and end, and print it once; the key ends after the overlap',
    )
    .option('--overlap <time>', 'at most 7d; for so long both are accepted', overlapMs, 86_400_000)
    .option('--json', 'print {"id","key"}, which is the default')
    .action((id: string, { overlap }: { overlap: number }) =>
      runWithStore(async (_cli, store) => {
        await printKey(await rotateApiKey({ store }, id, { overlapMs: overlap }), NOT_LIVE);
        return 0;
      }),
    );
}

const TOO_MANY =
  'The tenant has 100 keys, which is as many as it may: revoke some with syncline keys revoke ID.';
const NOT_LIVE =
  'There is no such key that is live and has no successor: syncline keys list shows them.';

/** @throws OperatorError when there is no key */
async function printKey(made: MadeKey | null, problem: string): Promise<void> {
  if (made === null) throw new OperatorError(problem);
  await printJson({ id: made.id, key: made.key });
  printMessage('Keep the key: it cannot be shown again.');
}

const OVERLAP_LIMIT_MS = 7 * 86_400_000;

function overlapMs(text: string): number {
  const overlap = lifetimeMs(text);
  if (overlap <= OVERLAP_LIMIT_MS) return overlap;
  throw new InvalidArgumentError('It must be at most 7d.');
}

const NO_KEYS = 'no keys; make one with: syncline keys create --name NAME --scopes accounts:read';

const TENANT_LIMIT = 200;
const NAME_LIMIT = 100;

function keyName(text: string): string {
  return printableText(text, NAME_LIMIT);
}

function tenantName(text: string): string {
  return printableText(text, TENANT_LIMIT);
}

function printableText(text: string, limit: number): string {
  if (text.length > 0 && text.length <= limit && !/[\u0000-\u001f\u007f]/.test(text)) return text;
  throw new InvalidArgumentError(
    `It must have 1 to ${limit} characters, without control characters.`,
  );
}

function scopeList(text: string): Scope[] {
  const named = text.split(',').map((name) => name.trim());
  if (named.every(isScope)) return named;
  throw new InvalidArgumentError(`The scopes are ${SCOPES.join(', ')}.`);
}

function isScope(text: string): text is Scope {
  return SCOPES.some((scope) => scope === text);
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

function lifetimeMs(text: string): number {
  const [, count, unit = ''] = /^([1-9]\d{0,4})([mhd])$/.exec(text) ?? [];
  const unitMs = UNIT_MS.get(unit);
  if (unitMs !== undefined) return Number(count) * unitMs;
  throw new InvalidArgumentError('It must be a number of minutes, hours or days: 30m, 12h, 90d.');
}

function tableOf(keys: readonly ApiKeyRow[], nowMs: number): string {
  const columns = ['ID', 'NAME', 'TENANT', 'SCOPES', 'USED', 'EXPIRES', 'STATE'].map((title) => ({
    title,
  }));
  return table(
    columns,
    keys.map((key) => [
      key.id,
      printable(key.name),
      printable(key.tenant ?? 'every tenant'),
      key.scopes.join(' '),
      when(key.lastUsedAt, nowMs),
      when(key.expiresAt, nowMs),
      stateOf(key, nowMs),
    ]),
  ).join('\n');
}

function stateOf({ revokedAt, expiresAt, successorId }: ApiKeyRow, nowMs: number): string {
  if (revokedAt !== null) return 'revoked';
  if (expiresAt !== null && expiresAt.getTime() <= nowMs) return 'expired';
  return successorId === null ? 'live' : 'replaced';
}
