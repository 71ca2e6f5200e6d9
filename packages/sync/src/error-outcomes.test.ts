import type { GoogleErrorKind } from '@syncline/google';
import type { CollectionKind, Lease } from '@syncline/store';
import { isPaged, listedAgain, type Cursor } from './cursor.js';
import { parkedFor } from './parking.js';
import { answerOf, ERROR_OUTCOMES, type AnswerKind } from './error-outcomes.js';

const forbidden = (reason: string): GoogleErrorKind => ({ kind: 'forbidden', reason });

test.each<[GoogleErrorKind, boolean, AnswerKind]>([
  [{ kind: 'rate-limited', scope: 'day', retryAfterMs: 1, source: 'google' }, false, 'quota'],
  [{ kind: 'unavailable', retryAfterMs: null }, true, 'transient'],
  [{ kind: 'key-missing', keyId: '5f3c' }, false, 'key-missing'],
  [{ kind: 'unauthorized', reason: 'invalid_grant' }, false, 'grant-refused'],
  [forbidden('insufficientPermissions'), false, 'scope-missing'],
  [forbidden('domainPolicy'), false, 'policy-forbids'],
  [
    forbidden('admin_policy_enforced: the Workspace administrator blocks this app'),
    false,
    'policy-forbids',
  ],
  [forbidden('accessNotConfigured'), false, 'api-not-enabled'],
  [forbidden('invalid_client: Google does not know this OAuth client'), false, 'client-refused'],
  [forbidden('disabled_client: the OAuth client is disabled'), false, 'client-refused'],
  [forbidden('deleted_client: the OAuth client was deleted'), false, 'client-refused'],
  [forbidden('unauthorized_client: issued to another OAuth client'), false, 'other-client'],
  [forbidden('unknown_project'), false, 'project-unknown'],
  [forbidden('mailServiceNotEnabled'), false, 'no-mailbox'],
  [forbidden('delegationDenied'), false, 'forbidden'],
  [{ kind: 'sync-position-expired' }, false, 'sync-position-expired'],
  [{ kind: 'not-found' }, false, 'not-found'],
  [{ kind: 'rejected', status: 400, reason: 'invalid' }, false, 'rejected'],
  [{ kind: 'rejected', status: 400, reason: 'invalid' }, true, 'page-token-rejected'],
])('%j, with a page token: %s, is the answer %s', (error, paged, answer) => {
  expect(answerOf(error, paged)).toBe(answer);
});

const PHASES: Lease['phase'][] = ['pending', 'full', 'incremental'];
const KINDS: CollectionKind[] = ['gmail', 'calendar-list', 'calendar-events'];

test('what depends on the phase and the kind, pair by pair', () => {
  const across = (answer: AnswerKind): string[] =>
    KINDS.flatMap((kind) => PHASES.map((phase) => ERROR_OUTCOMES[kind][phase][answer]));
  expect(across('sync-position-expired')).toEqual(
    KINDS.flatMap(() => ['failed', 'full-sync-again', 'full-sync-again']),
  );
  expect(across('page-token-rejected')).toEqual(
    KINDS.flatMap(() => ['failed', 'full-sync-again', 'list-again']),
  );
  expect(across('not-found')).toEqual([
    ...Array<string>(6).fill('parked'),
    ...Array<string>(3).fill('gone'),
  ]);
});

test('every other error: quota and transient errors wait, a dead grant stops the account, a prohibition parks one collection, our own mistakes fail', () => {
  for (const kind of KINDS) {
    for (const phase of PHASES) {
      expect(ERROR_OUTCOMES[kind][phase]).toMatchObject({
        quota: 'snoozed',
        transient: 'back-off',
        'grant-refused': 'reauth-required',
        'scope-missing': 'parked',
        'policy-forbids': 'parked',
        'client-refused': 'parked',
        'other-client': 'parked',
        'api-not-enabled': 'parked',
        'no-mailbox': 'parked',
        forbidden: 'parked',
        rejected: 'failed',
      });
    }
  }
});

test('a parked collection is tried soon the first time, then ever more rarely up to its bound, and says what a person can do', () => {
  const hours = [0, 1, 2, 3, 4, 50].map(
    (failures) => parkedFor('scope', 'gmail', failures, 0.5).delayMs / 3_600_000,
  );
  expect(hours).toEqual([1 / 60, 8 / 60, 64 / 60, 512 / 60, 12, 12]);
  expect(parkedFor('scope', 'calendar-list', 0, 0).reason).toContain(
    'the grant does not cover Google Calendar',
  );
  expect(parkedFor('project', 'gmail', 0, 0).reason).toContain(
    'https://console.cloud.google.com/apis/library/gmail.googleapis.com',
  );
  expect(parkedFor('no-mailbox', 'gmail', 0, 0).reason).toContain('no mailbox');
});

test.each<[Cursor, boolean, Cursor]>([
  [{ phase: 'pending' }, false, { phase: 'pending' }],
  [
    { phase: 'full', step: 'list', from: '1', pageToken: 'p', listed: 5 },
    true,
    { phase: 'pending' },
  ],
  [
    { phase: 'incremental', syncToken: 'b', pageToken: 'p' },
    true,
    { phase: 'incremental', syncToken: 'b', pageToken: null },
  ],
  [
    { phase: 'incremental', syncToken: 'b', pageToken: null },
    false,
    { phase: 'incremental', syncToken: 'b', pageToken: null },
  ],
  [
    {
      phase: 'incremental',
      after: '7',
      listing: { pageToken: 'p', until: '9' },
      listed: 3,
      fetched: 3,
      labelsReadAtMs: 1,
    },
    true,
    { phase: 'incremental', after: '7', listing: null, listed: 3, fetched: 3, labelsReadAtMs: 1 },
  ],
])('%j: paged %s, listed again as %j', (cursor, paged, again) => {
  expect([isPaged(cursor), listedAgain(cursor)]).toEqual([paged, again]);
});
