import type { PushVerifier } from '@syncline/google/push';
import type { Vault } from '@syncline/store';
import type { Request } from 'express';
import type { Notifier, NotificationOutcome } from './notifier.js';

export interface PushDeps {
  notifier: Notifier;
  /** Null while nothing says what a push must carry: then none is believed. */
  verifier: Pick<PushVerifier, 'verify'> | null;
  vault: Pick<Vault, 'isChannelToken'>;
}

/** Why a request is refused before anything of it is read. */
export interface Refusal {
  status: 401 | 403 | 404 | 503;
  reason: string;
}

/** Notifications of one of Google's APIs: where they arrive and how they are read. */
export interface PushSource {
  path: `/push/${string}`;
  /** The metrics' label. */
  via: string;
  /** The answer to a notification for something that is not known. */
  unknownStatus: 204 | 404;
  refusalOf(deps: PushDeps, request: Request): Promise<Refusal | null>;
  /** What is to be written down; null when the request is no notification. */
  notificationOf(deps: PushDeps, request: Request): (() => Promise<NotificationOutcome>) | null;
}
