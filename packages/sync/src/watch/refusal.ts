import type { GoogleErrorKind } from '@syncline/google';
import { unreachable } from '@syncline/runtime';
import type { HeldWatch, Store } from '@syncline/store';
import { COLLECTION_FACTS, type WatchFacts } from '../resources/facts.js';
import { retryInMs, unwatchableForMs } from './schedule.js';

/*
 * The meaning of Google's refusals of a watch. None of them concerns the mirror: polling continues,
 * and the next sync finds and reports errors of the account itself (a refused grant).
 */

type WatchFinish = Parameters<Store['watches']['finish']>[1];

const KEY_MISSING_RETRY_MS = 10_000;

/**
 * Pure.
 * @param jitter in [0, 1)
 */
export function finishOf(error: GoogleErrorKind, held: HeldWatch, jitter: number): WatchFinish {
  const { watch } = COLLECTION_FACTS[held.kind];
  const kept = keptState(held);
  const retry = retryInMs(held.failures, jitter);
  const refused = (words: string): WatchFinish => ({
    state: kept === 'on' ? 'on' : 'refused',
    nextInMs: retry,
    error: words,
    failed: true,
  });
  switch (error.kind) {
    case 'rate-limited':
      return {
        state: kept,
        nextInMs: error.retryAfterMs * (1 + jitter / 4),
        error: 'waiting for quota',
      };
    case 'unavailable':
      return {
        state: kept,
        nextInMs: Math.max(retry, error.retryAfterMs ?? 0),
        error: 'Google did not answer properly; trying again',
        failed: true,
      };
    case 'key-missing':
      return {
        state: kept,
        nextInMs: KEY_MISSING_RETRY_MS * (1 + jitter / 4),
        error: `a worker lacks the master key with the id ${error.keyId}`,
      };
    case 'unauthorized':
      return refused(unauthorizedWords(error.reason));
    case 'forbidden':
      return refused(watch.forbidden(error.reason));
    case 'not-found':
      return refused(watch.notFound);
    case 'rejected':
      if (error.reason === 'pushNotSupportedForRequestedResource')
        return {
          state: 'unwatchable',
          nextInMs: unwatchableForMs(jitter),
          error: watch.unsupported,
        };
      return refused(wordsOf(error.reason, watch));
    case 'sync-position-expired':
    case 'endless-listing':
      return refused(NOT_FOUND);
    default:
      return unreachable(error);
  }
}

const NOT_FOUND = 'Google does not find it';
const ADDRESS_REFUSED = 'Google does not take the address of PUSH_BASE_URL';

function unauthorizedWords(reason: string): string {
  return reason === 'push.webhookUrlUnauthorized'
    ? ADDRESS_REFUSED
    : "Google does not accept the account's grant";
}

function wordsOf(reason: string, watch: WatchFacts): string {
  if (reason === 'pushClientInUse')
    return 'another topic is watched for this mailbox with the same OAuth client';
  if (reason.startsWith('push.')) return `${ADDRESS_REFUSED} (${reason})`;
  return watch.rejected(reason);
}

/**
 * Returns the state after an error that does not refuse the watch; an expired watch is requested
 * again.
 */
function keptState(held: HeldWatch): HeldWatch['state'] {
  if (held.state !== 'on') return held.state;
  return inForce(held) ? 'on' : 'requested';
}

function inForce({ state, expiresInMs }: HeldWatch): boolean {
  return state === 'on' && expiresInMs !== null && expiresInMs > 0;
}
