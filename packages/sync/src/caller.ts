import type { CallOptions } from '@syncline/google';
import type { AccountGrant } from '@syncline/store';

/**
 * Of an account, as calls to Google are made in its name: with which grant, and at whose expense.
 */
export function callerOf({
  project,
  grant,
}: {
  project: string;
  grant: AccountGrant;
}): Pick<CallOptions, 'project' | 'grantVersion' | 'quotaUser' | 'shared'> {
  return {
    project,
    grantVersion: grant.version,
    ...(grant.identityId === null ? {} : { quotaUser: grant.identityId, shared: grant.shared }),
  };
}
