import type { CallOptions } from '@syncline/google';
import type { Lease } from '@syncline/store';

/**
 * Returns the options of Google calls for an account: its project, its grant and the identity whose
 * quota is charged.
 */
export function callerOf({
  project,
  grant,
}: {
  project: string;
  grant: Lease['grant'];
}): Pick<CallOptions, 'project' | 'grantVersion' | 'quotaUser' | 'shared'> {
  return {
    project,
    grantVersion: grant.version,
    ...(grant.identityId === null ? {} : { quotaUser: grant.identityId, shared: grant.shared }),
  };
}
