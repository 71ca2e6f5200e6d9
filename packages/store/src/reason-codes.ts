/** Why a collection is parked. Its account's own state may depend on it. */
const PARK_CAUSES = [
  'scope',
  'policy',
  'client',
  'other-client',
  'project',
  'unknown-project',
  'no-mailbox',
  'forbidden',
  'not-found',
  'position-expires',
  /** A listing without an end: nothing is swept because of it, and the next try begins it again. */
  'endless',
  /** So many items could not be read that the cause is unlikely to be the items. */
  'items',
] as const;

export type ParkCause = (typeof PARK_CAUSES)[number];

/**
 * What hinders a collection (`collections.reason_code`). The first ones pass by themselves; the
 * text for a person is in `collections.error`.
 */
const PASSING_REASONS = [
  /** Google did not answer properly: 5xx, timeouts, resets, damaged answers. */
  'transient-errors',
  /** Calls wait because Google has just refused one of the account. */
  'quota-closed',
  'quota-user',
  'quota-project',
  'quota-day',
  'quota-concurrency',
  /** A worker lacks the master key of the refresh token, or is too old for its format. */
  'key-missing',
  /** A sweep waits for evidence. */
  'sweep-held',
  /** Google gave no sync position, so full syncs continue at a slow pace. */
  'no-sync-position',
  /** Google does not answer one of its lists; the rest is synced. */
  'list-unanswered',
  /** An item could not be read and is retried; all others are up to date. */
  'item-unreadable',
  /** A bug of ours. */
  'run-failed',
] as const;

type PassingReason = (typeof PASSING_REASONS)[number];

/** Reasons that concern the whole account; they are codes of `accounts.reason_code`. */
const ACCOUNT_REASONS = [
  /** Google refuses the grant. */
  'grant-refused',
  /** The stored refresh token cannot be decrypted. */
  'credential-unreadable',
  /** A policy of the account's organisation forbids every resource. */
  'policy-forbids',
  /** The grant belongs to a different Google account than the rows. */
  'identity-refused',
  /** It is unknown whether the grant belongs to the Google account of the rows. */
  'identity-unproven',
  /** The mailbox has a new address, and another account of the tenant already has this address. */
  'address-taken',
] as const;

/** The machine-readable reason why an account is not active or waits for a person. */
export type AccountReasonCode = (typeof ACCOUNT_REASONS)[number];

export type CollectionReasonCode = PassingReason | `parked-${ParkCause}` | AccountReasonCode;

/** Every code of a collection whose account is active. */
export const COLLECTION_REASONS: readonly CollectionReasonCode[] = [
  ...PASSING_REASONS,
  ...PARK_CAUSES.map((cause) => `parked-${cause}` as const),
];

export const ACCOUNT_REASON_CODES: readonly AccountReasonCode[] = ACCOUNT_REASONS;
