/**
 * Contact groups as the API serves them. System groups have neither etag nor metadata, and a count
 * of 0 is absent (an answer of 2020, IamNator/mysql-golang-web).
 */
import type { AddressBook, Group } from './address-book.js';
import { sourceEtag } from './etag.js';
import type { Mask } from './fields.js';
import type { Version } from './versions.js';

export function groupResource(
  book: AddressBook,
  version: Version<Group>,
  mask: Mask,
  maxMembers = 0,
): Record<string, unknown> {
  if (version.fate !== 'live') return tombstone(version, mask);
  const { body } = version;
  const members = book.members(body.id);
  const names = members.slice(0, maxMembers).map(({ id }) => id);
  return {
    ...identity(version, mask),
    ...(mask.has('groupType') ? { groupType: body.type } : {}),
    ...(mask.has('name') ? { name: body.name, formattedName: body.formattedName } : {}),
    ...(names.length > 0 ? { memberResourceNames: names } : {}),
    ...(mask.has('memberCount') && members.length > 0 ? { memberCount: members.length } : {}),
  };
}

function tombstone(version: Version<Group>, mask: Mask): Record<string, unknown> {
  return {
    ...identity(version, mask, { deleted: true }),
    ...(mask.has('groupType') ? { groupType: version.body.type } : {}),
  };
}

function identity(
  { id, revision, atMs, body }: Version<Group>,
  mask: Mask,
  more: { deleted?: true } = {},
): Record<string, unknown> {
  if (body.type === 'SYSTEM_CONTACT_GROUP') return { resourceName: id };
  const metadata = { updateTime: new Date(atMs).toISOString(), ...more };
  return {
    resourceName: id,
    etag: sourceEtag(id, revision),
    ...(mask.has('metadata') ? { metadata } : {}),
  };
}
