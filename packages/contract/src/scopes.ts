/** What an API key may be allowed. A route needs one scope. */
export const SCOPES = [
  'accounts:read',
  'accounts:write',
  'connect:write',
  'mail:metadata',
  'mail:content',
  'calendar:read',
  'contacts:read',
  'feed:read',
  'ops:read',
  'ops:write',
  'keys:write',
] as const;

export type Scope = (typeof SCOPES)[number];
