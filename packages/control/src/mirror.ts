/** The mirror's rows as documents (`@syncline/control/mirror`). */
import type { NamedAccount, Resource, Mirror } from '@syncline/store';

/** Returns a resource's rows, sorted by id, in bounded memory; the field names are public. */
export function exportMirror(
  { store }: { store: { mirror: Pick<Mirror, 'documents'> } },
  account: Pick<NamedAccount, 'id'>,
  resource: Resource,
): AsyncGenerator<object> {
  return store.mirror.documents(account.id, resource);
}
