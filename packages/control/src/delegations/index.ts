/**
 * Delegations: service accounts that act for the users of a Workspace domain
 * (`@syncline/control/delegations`).
 */
import { delegatedScopes, GoogleError, type Google, type GoogleErrorKind } from '@syncline/google';
import { DEFAULT_PROJECT, OperatorError, unreachable } from '@syncline/runtime';
import {
  DEFAULT_RESOURCES,
  RESOURCE_NAMES,
  scopesOf,
  type DelegationView,
  type Resource,
  type Store,
} from '@syncline/store';
import { readKeyFile } from './key-file.js';

/** What the administrator of the domain enters in the Admin console. */
interface ToEnter {
  clientId: string;
  scopes: string[];
}

export interface SetDelegation extends ToEnter {
  tenant: string;
  name: string;
  created: boolean;
  /** Number of waiting accounts that are tried again. */
  resumed: number;
}

interface DelegationName {
  tenant: string;
  name: string;
}

/**
 * Creates a delegation from a key file, or replaces its key.
 * @throws OperatorError when the file is no key, when the project is not configured, and for a new
 * delegation without domains
 */
export async function setDelegation(
  { store }: { store: Store },
  order: DelegationName & {
    keyFile: string;
    project: string | null;
    domains: readonly string[];
    /** Names of the configured Google projects beside the default one. */
    projects: readonly string[];
  },
): Promise<SetDelegation> {
  const { tenant, name, project } = order;
  if (project !== null && ![DEFAULT_PROJECT, ...order.projects].includes(project))
    throw new OperatorError(`The Google project "${project}" is not configured.`);
  const key = readKeyFile(order.keyFile);
  await store.keys.beforeSealing();
  const domains = order.domains.map((domain) => domain.toLowerCase());
  const done = await store.delegations.set({ tenant, name, project, domains, key });
  return { tenant, name, ...done, ...toEnter(key.clientId) };
}

function toEnter(clientId: string, resources: readonly Resource[] = DEFAULT_RESOURCES): ToEnter {
  return { clientId, scopes: delegatedScopes(scopesOf(resources)) };
}

export function listDelegations({ store }: { store: Store }): Promise<DelegationView[]> {
  return store.delegations.list();
}

/** What Google answers for one user. */
export interface DelegationCheck extends ToEnter {
  /** The scopes among them that are missing; all, when the client is not allowed at all. */
  missing: string[];
  /** Why Google refuses the user or the key; null when it is only a matter of scopes, or of nothing. */
  problem: string | null;
  /** Number of waiting accounts that are tried again, since Google refuses nothing. */
  resumed: number;
}

/**
 * Asks Google for an access token in the name of a user. When it is not allowed, asks for each
 * scope alone, because Google does not say which one is missing. The scopes are those of
 * `resources`, by default Gmail and Calendar, and of what the delegation's accounts mirror.
 * @throws OperatorError when the delegation is unknown or not for the address
 * @throws GoogleError when Google does not answer
 */
export async function checkDelegation(
  { store, google }: { store: Store; google: Google },
  order: DelegationName & { email: string; resources?: readonly Resource[] | undefined },
): Promise<DelegationCheck> {
  const { tenant, name, email } = order;
  const mirrored = await store.delegations.resourcesOf(tenant, name);
  const named = [...(order.resources ?? DEFAULT_RESOURCES), ...mirrored];
  const resources = RESOURCE_NAMES.filter((resource) => named.includes(resource));
  const account = { tenant, delegation: name, email, resources };
  const { grant, project } = await store.delegations.grantFor(account);
  const ask = async (scopes: string[]): Promise<Refusal | null> =>
    refusalOf(() => google.candidate({ ...grant, scopes }, { lane: 'live', project }).owner());
  const entered = toEnter(grant.clientId, resources);
  const whole = await ask(grant.scopes);
  if (whole === null)
    return {
      ...entered,
      missing: [],
      problem: null,
      resumed: await store.delegations.resume(tenant, name),
    };
  if (whole.reason !== NOT_ALLOWED)
    return { ...entered, missing: [], problem: whole.advice ?? whole.reason, resumed: 0 };
  if ((await ask([])) !== null)
    return { ...entered, missing: entered.scopes, problem: null, resumed: 0 };
  const missing: string[] = [];
  for (const scope of grant.scopes) if ((await ask([scope])) !== null) missing.push(scope);
  return { ...entered, missing, problem: null, resumed: 0 };
}

type Refusal = Extract<GoogleErrorKind, { kind: 'unauthorized' }>;
const NOT_ALLOWED = 'delegation_not_allowed';

async function refusalOf(ask: () => Promise<unknown>): Promise<Refusal | null> {
  try {
    await ask();
    return null;
  } catch (error) {
    if (error instanceof GoogleError && error.detail.kind === 'unauthorized') return error.detail;
    throw error;
  }
}

/** @throws OperatorError when there is none, and while accounts use it */
export async function removeDelegation(
  { store }: { store: Store },
  { tenant, name }: DelegationName,
): Promise<void> {
  const removed = await store.delegations.remove(tenant, name);
  if (removed === 'removed') return;
  if (removed === 'unknown')
    throw new OperatorError(
      `There is no delegation "${name}" of the tenant "${tenant}": syncline delegations list shows them.`,
    );
  if (typeof removed === 'object')
    throw new OperatorError(
      `Accounts still use this delegation (${removed.accounts}): remove them first (syncline accounts remove), or import them with refresh tokens.`,
    );
  unreachable(removed);
}
