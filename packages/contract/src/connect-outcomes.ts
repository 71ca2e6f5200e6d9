/**
 * How an attempt to connect an account by the connect page ended. The list is closed. Pure data, so
 * that the programs that decide and the document name the same outcomes.
 */

interface ConnectOutcomeFacts {
  /** The state of the session. */
  state: 'open' | 'connected' | 'failed';
  /** The problem's name, of which its `type` is made; null: there is none. */
  problem: string | null;
  /** What happened, for a person who operates the product. */
  detail: string;
}

export const CONNECT_OUTCOMES = {
  connected: { state: 'connected', problem: null, detail: 'The account is connected.' },
  renamed: {
    state: 'connected',
    problem: null,
    detail: 'The account is connected. Its address has changed, and was updated.',
  },
  'partly-granted': {
    state: 'connected',
    problem: 'scopes-missing',
    detail: 'The account is connected without the resources whose boxes were not ticked.',
  },
  'nothing-granted': {
    state: 'failed',
    problem: 'scopes-missing',
    detail: 'None of the boxes was ticked on the page of Google.',
  },
  'fewer-granted': {
    state: 'failed',
    problem: 'scopes-missing',
    detail:
      'The account mirrors more than the boxes that were ticked allow. It keeps its present grant.',
  },
  cancelled: {
    state: 'failed',
    problem: 'consent-cancelled',
    detail: 'The person cancelled on the page of Google.',
  },
  'wrong-account': {
    state: 'failed',
    problem: 'wrong-account',
    detail: 'The person chose another Google account than the one that is connected.',
  },
  'address-conflict': {
    state: 'failed',
    problem: 'address-conflict',
    detail:
      'The address belongs to another Google account now. Remove the account that was connected with it first.',
  },
  'identity-unproven': {
    state: 'failed',
    problem: 'identity-unproven',
    detail:
      'Nothing proves that the Google account is the one whose data is mirrored. Import its grant and confirm it by `accounts resume --same-mailbox`, or remove the account.',
  },
  'no-lasting-permission': {
    state: 'failed',
    problem: 'no-lasting-permission',
    detail: 'Google gave no refresh token.',
  },
  blocked: {
    state: 'failed',
    problem: 'consent-blocked',
    detail: 'An administrator, or the state of the Google project, does not allow the consent.',
  },
  'answer-refused': {
    state: 'failed',
    problem: 'answer-refused',
    detail: 'What came back from Google could not be verified.',
  },
  'google-unavailable': {
    state: 'failed',
    problem: 'google-unavailable',
    detail: 'Google did not answer.',
  },
  'account-busy': {
    state: 'failed',
    problem: 'account-busy',
    detail: 'The account, or a resource of it, is being removed.',
  },
  'not-returned': {
    state: 'open',
    problem: 'not-returned',
    detail:
      'The person went to Google and has not come back. Google shows pages like "Access blocked" without coming back.',
  },
  expired: {
    state: 'failed',
    problem: 'session-expired',
    detail: 'Nobody has used the link in time.',
  },
} as const satisfies Record<string, ConnectOutcomeFacts>;

export type ConnectOutcome = keyof typeof CONNECT_OUTCOMES;
