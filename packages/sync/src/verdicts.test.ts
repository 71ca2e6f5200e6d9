import type { GoogleErrorKind } from '@syncline/google';
import type { CollectionKind, Phase } from '@syncline/store';
import { isPaged, listedAgain, type Cursor } from './cursor.js';
import { restFor } from './parking.js';
import { answerOf, VERDICTS, type AnswerKind } from './verdicts.js';

const forbidden = (reason: string): GoogleErrorKind => ({ kind: 'forbidden', reason });

test.each<[GoogleErrorKind, boolean, AnswerKind]>([
  [{ kind: 'rate-limited', scope: 'day', retryAfterMs: 1, source: 'google' }, false, 'quota'],
  [{ kind: 'unavailable', retryAfterMs: null }, true, 'weather'],
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
  [{ kind: 'bookmark-expired' }, false, 'bookmark-expired'],
  [{ kind: 'not-found' }, false, 'not-found'],
  [{ kind: 'rejected', status: 400, reason: 'invalid' }, false, 'rejected'],
  [{ kind: 'rejected', status: 400, reason: 'invalid' }, true, 'page-token-rejected'],
])('%j, with a page token: %s, is the answer %s', (error, paged, answer) => {
  expect(answerOf(error, paged)).toBe(answer);
});

const PHASES: Phase[] = ['new', 'backfill', 'follow'];
const KINDS: CollectionKind[] = ['gmail', 'calendar-list', 'calendar-events'];

test('what depends on the phase and the kind, pair by pair', () => {
  const across = (answer: AnswerKind): string[] =>
    KINDS.flatMap((kind) => PHASES.map((phase) => VERDICTS[kind][phase][answer]));
  expect(across('bookmark-expired')).toEqual(
    KINDS.flatMap(() => ['failed', 'walk-again', 'walk-again']),
  );
  expect(across('page-token-rejected')).toEqual(
    KINDS.flatMap(() => ['failed', 'walk-again', 'list-again']),
  );
  expect(across('not-found')).toEqual([
    ...Array<string>(6).fill('parked'),
    ...Array<string>(3).fill('gone'),
  ]);
});

test('what does not: quota and weather wait, a dead grant stops the account, a prohibition rests one collection, our own mistakes fail', () => {
  for (const kind of KINDS) {
    for (const phase of PHASES) {
      expect(VERDICTS[kind][phase]).toMatchObject({
        quota: 'snoozed',
        weather: 'back-off',
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

test('a rest is soon over the first time, then ever rarer up to its bound, and says what a person can do', () => {
  const hours = [0, 1, 2, 3, 4, 50].map(
    (failures) => restFor('scope', 'gmail', failures, 0.5).delayMs / 3_600_000,
  );
  expect(hours).toEqual([1 / 60, 8 / 60, 64 / 60, 512 / 60, 12, 12]);
  expect(restFor('scope', 'calendar-list', 0, 0).reason).toContain(
    'the grant does not cover Google Calendar',
  );
  expect(restFor('project', 'gmail', 0, 0).reason).toContain(
    'https://console.cloud.google.com/apis/library/gmail.googleapis.com',
  );
  expect(restFor('no-mailbox', 'gmail', 0, 0).reason).toContain('no mailbox');
});

test.each<[Cursor, boolean, Cursor]>([
  [{ phase: 'new' }, false, { phase: 'new' }],
  [
    { phase: 'backfill', step: 'list', from: '1', pageToken: 'p', listed: 5 },
    true,
    { phase: 'new' },
  ],
  [
    { phase: 'follow', bookmark: 'b', pageToken: 'p' },
    true,
    { phase: 'follow', bookmark: 'b', pageToken: null },
  ],
  [
    { phase: 'follow', bookmark: 'b', pageToken: null },
    false,
    { phase: 'follow', bookmark: 'b', pageToken: null },
  ],
  [
    {
      phase: 'follow',
      after: '7',
      listing: { pageToken: 'p', until: '9' },
      listed: 3,
      fetched: 3,
      labelsReadAtMs: 1,
    },
    true,
    { phase: 'follow', after: '7', listing: null, listed: 3, fetched: 3, labelsReadAtMs: 1 },
  ],
])('%j: paged %s, listed again as %j', (cursor, paged, again) => {
  expect([isPaged(cursor), listedAgain(cursor)]).toEqual([paged, again]);
});
