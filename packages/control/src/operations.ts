/** Long work that customers request: removals and verifications (`@syncline/control/operations`). */
import { randomBytes } from 'node:crypto';
import type { Runtime } from '@syncline/runtime';
import type { NamedAccount, OperationRow, Operations, Resource, Store } from '@syncline/store';

/** What a verification compares. */
interface VerificationRequest {
  resources: readonly Resource[];
  /** Of a mailbox, how many messages are compared by content; null: all. */
  sample: number | null;
}

interface Deps {
  store: { operations: Pick<Operations, 'create' | 'find'> };
}

type Clock = Pick<Runtime, 'clock'>;

/** Stops the account at once; workers remove it. */
export async function requestRemoval(
  rt: Clock,
  { store }: { store: Pick<Store, 'operations' | 'removal'> },
  account: NamedAccount,
  { keepGrant }: { keepGrant: boolean },
): Promise<OperationRow> {
  // The removal first: an operation whose removal had not begun would never end. A caller that gets
  // no operation requests the removal again.
  await store.removal.begin(account.id, { keepGrant, leaveToWorkers: true });
  return create(rt, { store }, account, { kind: 'removal', input: { keepGrant } });
}

/** Requests a comparison of the mirror with Google, which a worker makes. */
export function requestVerification(
  rt: Clock,
  deps: Deps,
  account: NamedAccount,
  input: VerificationRequest,
): Promise<OperationRow> {
  return create(rt, deps, account, { kind: 'verification', input });
}

async function create(
  rt: Clock,
  { store }: Deps,
  { id: subject, tenant }: NamedAccount,
  { kind, input }: { kind: OperationRow['kind']; input: object },
): Promise<OperationRow> {
  const id = operationId(rt.clock.nowMs());
  await store.operations.create({ id, kind, tenant, subject, input });
  const created = await store.operations.find(id);
  if (created === null) throw new Error(`the operation ${id} is gone`);
  return created;
}

const POLL_MS = 250;

/** Returns the operation when it has ended, or when the time is over; null when there is none. */
export async function awaitOperation(
  rt: Pick<Runtime, 'clock' | 'signal'>,
  { store }: Deps,
  id: string,
  waitMs: number,
): Promise<OperationRow | null> {
  const deadlineMs = rt.clock.nowMs() + waitMs;
  for (;;) {
    const found = await store.operations.find(id);
    if (found === null || stateOf(found) !== 'running') return found;
    if (rt.clock.nowMs() >= deadlineMs || rt.signal.aborted) return found;
    await rt.clock.sleep(POLL_MS, rt.signal).catch(() => undefined);
  }
}

/** An operation as the API shows it; the field names are public. */
interface OperationDocument {
  id: string;
  kind: OperationRow['kind'];
  accountId: string;
  state: OperationRow['state'];
  progress: { done: number; total: null };
  result: OperationRow['result'];
  problem: string | null;
  createdAt: Date;
}

/** Pure. */
export function operationDocument(row: OperationRow): OperationDocument {
  const { id, kind, subject: accountId, progressDone: done, result, problem, createdAt } = row;
  return {
    id,
    kind,
    accountId,
    state: stateOf(row),
    progress: { done, total: null },
    result,
    problem,
    createdAt,
  };
}

/** A removal is done when the account is gone. */
function stateOf({ kind, state, hasAccount }: OperationRow): OperationRow['state'] {
  return kind === 'removal' && !hasAccount ? 'done' : state;
}

/** Ids in the order of time: 12 digits of milliseconds, 20 random ones. */
function operationId(nowMs: number): string {
  return `op_${nowMs.toString(16).padStart(12, '0')}${randomBytes(10).toString('hex')}`;
}
