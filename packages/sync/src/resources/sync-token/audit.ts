import { storable } from '@syncline/store';
import { reportDrift, type AuditContext, type AuditEnd } from '../../audit-slice.js';

/* What audits of collections with sync tokens share. */

export const CHANGED_MEANWHILE: AuditEnd = { kind: 'unfinished', why: 'changed meanwhile' };

/** Leaves out quarantined items: they are known to differ and are listed in the quarantine. */
export async function withoutQuarantined(
  { store, lease }: AuditContext,
  differ: readonly string[],
): Promise<string[]> {
  if (differ.length === 0) return [];
  const excused = new Set(
    (await store.quarantine.list([lease.accountId]))
      .filter(({ kind, externalId }) => kind === lease.kind && externalId === lease.externalId)
      .map(({ itemId }) => itemId),
  );
  return differ.filter((id) => !excused.has(storable.quarantineId(id)));
}

/** Ends a comparison; drift is repaired by a full sync. */
export async function driftReported(
  context: AuditContext,
  checked: number,
  drifted: readonly string[],
): Promise<AuditEnd> {
  reportDrift(context, drifted.length);
  if (drifted.length > 0) await context.store.schedule.requestRepair(context.lease.collectionId);
  return { kind: 'whole', checked, contents: checked, drift: drifted.length };
}
