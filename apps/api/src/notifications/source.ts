import type { PushVerifier } from '@syncline/google/push';
import type { Credentials } from '@syncline/store';
import type { Request } from 'express';
import type { Notifier, NotificationOutcome } from './notifier.js';

export interface PushDeps {
  notifier: Notifier;
  /**
   * Null while the configuration does not state what a push must carry: no push is then accepted.
   */
  verifier: Pick<PushVerifier, 'verify'> | null;
  /** Whose pushes are taken; null for every subscription whose pushes carry a good token. */
  subscriptions?: readonly string[] | null;
  vault: Pick<Credentials['vault'], 'isChannelToken'>;
}

/** Why a request is refused. */
export interface Refusal {
  status: 401 | 403 | 404 | 503;
  reason: string;
}

/** The notifications of one of Google's APIs: their path and their format. */
export interface PushSource {
  path: `/push/${string}`;
  /** The metrics' label. */
  via: string;
  /** The status of the response to a notification for an unknown mailbox or channel. */
  unknownStatus: 204 | 404;
  /** Before anything of the request is read. */
  refusalOf(deps: PushDeps, request: Request): Promise<Refusal | null>;
  /** The same, after the body is read. */
  bodyRefusalOf?(deps: PushDeps, request: Request): Refusal | null;
  /** Returns the write for a request; null when the request is not a notification. */
  notificationOf(deps: PushDeps, request: Request): (() => Promise<NotificationOutcome>) | null;
}
