/** Connect sessions as the customer makes and reads them. */
import { CONNECT_OUTCOMES, type ConnectOutcome } from '@syncline/contract/connect-outcomes';
import type { Consent } from '@syncline/google/consent';
import { DEFAULT_PROJECT, type Runtime } from '@syncline/runtime';
import {
  DEFAULT_RESOURCES,
  type AccountView,
  type ConnectSessionRow,
  type ConnectSessions,
  type Resource,
} from '@syncline/store';
import { askedFor } from './grant.js';
import { returnToProblem } from './return-to.js';
import { connectSessionId, hashOf, newSecret } from './secrets.js';

export interface ConnectSettings {
  /** The API's address as browsers see it. */
  publicUrl: () => string;
  /** Addresses to which browsers may be sent back. */
  returnTo: readonly string[];
  /** The name of the customer's product, for its users. */
  appName: string;
}

interface SessionRequest {
  tenant: string;
  ref: string | null;
  resources: readonly Resource[] | undefined;
  returnTo: string | null;
  /** The account to reconnect. */
  account: AccountView | null;
  project: string | undefined;
  ttlMs: number;
}

export type CreatedSession =
  | { kind: 'created'; session: ConnectSessionRow; url: string }
  | {
      kind: 'refused';
      problem: 'invalid-request' | 'state-conflict' | 'too-many-connect-sessions';
      detail: string;
    };

interface Deps {
  store: { connectSessions: Pick<ConnectSessions, 'create' | 'find' | 'note'> };
  consent: Pick<Consent, 'hasProject'>;
  settings: ConnectSettings;
}

export async function createConnectSession(
  rt: Pick<Runtime, 'clock'>,
  deps: Deps,
  request: SessionRequest,
  { keyId }: { keyId: string },
): Promise<CreatedSession> {
  const { account } = request;
  const project = request.project ?? account?.project ?? DEFAULT_PROJECT;
  const returnTo = returnToRefusal(deps.settings, request.returnTo);
  if (returnTo !== null) {
    // It may be an attempt to send users to another site, so the audit log names it.
    const session = { id: null, tenant: request.tenant, keyId, subject: account?.id ?? null };
    await deps.store.connectSessions.note({ outcome: 'refused', session, reason: 'return-to' });
    return returnTo;
  }
  const refusal = refusalOf(deps, request, project);
  if (refusal !== null) return refusal;
  const link = newSecret();
  const id = connectSessionId(rt.clock.nowMs());
  const created = await deps.store.connectSessions.create({
    ...request,
    id,
    linkHash: hashOf(link),
    resources: resourcesOf(request),
    target: account?.id ?? null,
    project,
    keyId,
  });
  const session = created ? await deps.store.connectSessions.find(id) : null;
  return session === null
    ? {
        kind: 'refused',
        problem: 'too-many-connect-sessions',
        detail: 'Sessions end when they are used or expire.',
      }
    : { kind: 'created', session, url: `${deps.settings.publicUrl()}/connect/${link}` };
}

/** A person who reconnects is asked for all that the account has. */
function resourcesOf({ resources, account }: SessionRequest): Resource[] {
  if (account === null) return askedFor(resources ?? DEFAULT_RESOURCES, []);
  return askedFor(resources ?? [], account.resources);
}

type Refusal = Extract<CreatedSession, { kind: 'refused' }>;

function returnToRefusal(
  { returnTo: allowed, publicUrl }: ConnectSettings,
  returnTo: string | null,
): Refusal | null {
  const detail =
    returnTo === null ? null : returnToProblem(returnTo, { allowed, publicUrl: publicUrl() });
  return detail === null ? null : { kind: 'refused', problem: 'invalid-request', detail };
}

function refusalOf(
  { consent }: Deps,
  { account }: SessionRequest,
  project: string,
): Refusal | null {
  if (!consent.hasProject(project)) {
    const detail = 'The Google project is not configured.';
    return { kind: 'refused', problem: 'invalid-request', detail };
  }
  return account?.state === 'removing'
    ? { kind: 'refused', problem: 'state-conflict', detail: 'The account is being removed.' }
    : null;
}

/** A session as the API shows it; the field names are public. */
interface ConnectSessionDocument {
  id: string;
  tenant: string;
  ref: string | null;
  resources: Resource[];
  returnTo: string | null;
  project: string;
  accountId: string | null;
  state: ConnectSessionRow['state'];
  outcome: ConnectOutcome | null;
  problem: { type: string; detail: string; resources?: Resource[] } | null;
  createdAt: Date;
  expiresAt: Date;
}

/** Pure. */
export function connectSessionDocument(row: ConnectSessionRow): ConnectSessionDocument {
  const outcome = outcomeOf(row);
  return {
    id: row.id,
    tenant: row.tenant,
    ref: row.ref,
    resources: row.resources,
    returnTo: row.returnTo,
    project: row.project,
    accountId: row.subject,
    state: row.state === 'open' && row.isExpired ? 'failed' : row.state,
    outcome,
    problem: outcome && problemOf(outcome, row.missing),
    createdAt: row.createdAt,
    expiresAt: row.expiresAt,
  };
}

/** The outcome of a session that has expired is written some seconds later. */
export function outcomeOf(row: ConnectSessionRow): ConnectOutcome | null {
  if (row.state === 'open' && row.isExpired && row.outcome === null)
    return row.isAway ? 'not-returned' : 'expired';
  return row.outcome as ConnectOutcome | null;
}

function problemOf(
  outcome: ConnectOutcome,
  missing: Resource[],
): ConnectSessionDocument['problem'] {
  const { problem, detail } = CONNECT_OUTCOMES[outcome];
  if (problem === null) return null;
  const type = `urn:syncline:problem:${problem}`;
  return missing.length === 0 ? { type, detail } : { type, detail, resources: missing };
}
