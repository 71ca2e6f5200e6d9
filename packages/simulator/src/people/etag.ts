import { createHash } from 'node:crypto';

/** The etag of a source or a group: eight bytes in base64. */
export function sourceEtag(id: string, revision: number): string {
  return createHash('sha256')
    .update(`${id} ${revision}`)
    .digest()
    .subarray(0, 8)
    .toString('base64');
}

/**
 * The etag of a person contains the requested fields and the etag of its source, so it differs from
 * one mask to another (recorded: `%EgU3CT4BLhoEAgEHBSIMbWVZejFVL01JVFE9`, which ends with the
 * source's `meYz1U/MITQ=`). That of a deleted person has no source.
 */
export function personEtag(fieldNumbers: readonly number[], source: string | null): string {
  const fields = [0x12, fieldNumbers.length, ...fieldNumbers, 0x1a, 1, 2];
  const bytes = Buffer.concat([
    Buffer.from(fields),
    source === null ? Buffer.alloc(0) : Buffer.from([0x22, source.length]),
    Buffer.from(source ?? ''),
  ]);
  return `%${bytes.toString('base64')}`;
}
