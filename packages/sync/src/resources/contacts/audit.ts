import type { AuditContext, AuditEnd } from '../../audit-slice.js';
import type { Cursor } from '../../cursor.js';
import { fingerprint } from '../../fingerprint.js';
import { CHANGED_MEANWHILE, driftReported, withoutQuarantined } from '../sync-token/audit.js';
import { parseSyncTokenCursor } from '../sync-token/cursor.js';
import { fingerprintsOf, type ContactList } from './lists.js';

/**
 * Compares every field of every item of a list at once. A page holds 1,000 items, so even a very
 * large list takes few requests.
 */
export async function auditList(
  context: AuditContext,
  cursor: Cursor,
  list: ContactList,
): Promise<AuditEnd> {
  const { store, account, lease } = context;
  const position = parseSyncTokenCursor(cursor);
  if (position.phase !== 'incremental' || position.syncToken === null) return CHANGED_MEANWHILE;
  const source = await fingerprintsOf(account, list);
  const checked = source.size;
  const differ: string[] = [];
  for await (const { id, resource } of store.mirror.contacts(lease.accountId, list.kind)) {
    if (source.get(id) !== fingerprint(resource)) differ.push(id);
    source.delete(id);
  }
  differ.push(...source.keys());
  const unexplained = await withoutQuarantined(context, differ);
  if (unexplained.length === 0) return { kind: 'whole', checked, contents: checked, drift: 0 };
  const since = await list.read(account, { syncToken: position.syncToken, pageToken: null });
  if (since.nextPageToken !== null) return CHANGED_MEANWHILE;
  const { listedIds, delta } = since.meaning;
  const changed = new Set([...listedIds, ...('deleted' in delta ? delta.deleted : [])]);
  return driftReported(
    context,
    checked,
    unexplained.filter((id) => !changed.has(id)),
  );
}
