/** The controls of a running simulator; `GET /sim` lists them. */
import { CALL_FAULTS, REFUSAL_NAMES, WORLD_FAULTS } from '../fault-kinds.js';
import { ACTIONS } from './act.js';

export const CONTROLS: Readonly<Record<string, string>> = {
  'GET /sim': 'this list, the current options, the time',
  'GET /sim/accounts': 'NDJSON {email, refreshToken} in the format of an import',
  'POST /sim/accounts':
    '{email, messages?, calendars?, eventsPerCalendar?, contacts?, scopes?} adds an account',
  'POST /sim/accounts/EMAIL/act': '{action, …ids, …content} makes the user act',
  'POST /sim/accounts/EMAIL/consent':
    '{scopes?} gives a new consent after a revocation; returns the new refresh token',
  'GET /sim/people': '[{email, sub, aliases}]: who has which address now',
  'POST /sim/accounts/EMAIL/rename':
    '{email} gives the person another primary address; the previous one becomes an alias',
  'POST /sim/accounts/EMAIL/delete':
    'ends the account and its grants; POST /sim/accounts gives its address to another person',
  'POST /sim/accounts/EMAIL/scopes':
    '{scopes: [gmail.metadata, …]} changes the scopes of the newest consent at once',
  'POST /sim/accounts/EMAIL/suspend':
    '{suspended?: true} an administrator suspends the account: its grants are refused until {suspended: false}',
  'POST /sim/clients':
    '{id, secret?, state?: active|deleted|disabled, name?, redirectUris?, scopes?, mode?: production|testing|internal, testUsers?, domain?, blockedDomains?} registers an OAuth client, or replaces it: another secret gives invalid_client; the token endpoint accepts unregistered clients with any secret, the authorization endpoint refuses them',
  'GET|POST|DELETE /sim/consents':
    '{email?, allow?: all|[scope, …], cancel?, client?, count?, token?: {idToken?: false, refreshToken?: false, claims?, kid?}} answers the next authorization requests (of the client) at once, without a page: who is chosen (default: the login_hint), what is ticked, and how the tokens deviate',
  'POST /sim/act': '{count} random actions over all accounts',
  'POST /sim/rate': '{perSecond} starts continuous random actions',
  'GET|DELETE /sim/ledger': 'counts of calls, quota and violations; DELETE resets them',
  'GET|POST|DELETE /sim/faults':
    '{kind, probability?, count?, email?, method?, id?, item?, patch?, pages?, label?, incremental?, ms?, share?, variant?, quote?} adds a fault and returns its id; DELETE ends all faults of calls',
  'DELETE /sim/faults/ID': 'ends this fault',
  'POST /sim/bodies':
    '{charset?: declared|utf-8, inlineBytes?} how text bodies are returned: in the declared charset or recoded to UTF-8; larger ones by attachmentId',
  'POST /sim/clock': '{advanceMs} advances the time, with everything that expires',
  'GET /sim/truth/EMAIL':
    '?resource=gmail|calendar|contacts: NDJSON of what a mirror should hold; of contacts with the masks personFields, readMask and groupFields',
  'GET|POST /sim/pubsub':
    '{topics: [name | {name, granted}], subscriptions: [{name, topic, pushEndpoint?, serviceAccountEmail?, audience?, ackDeadlineSeconds?, minBackoffMs?, maxBackoffMs?, retentionMs?}]}',
  'GET|POST /sim/delivery':
    '{dropPercent?, duplicatePercent?, reorderPercent?, delayMs?: [min, max], minGapMs?} sets how notifications are delivered',
  'GET /sim/watches': "Gmail's watches and Calendar's channels that are active",
  'GET /sim/service-account': "the key file of the project's service account",
  'POST /sim/service-account/key':
    'gives the service account another key and deletes the one before; returns the new key file',
  'POST /sim/service-account/scopes':
    "{scopes: [gmail.readonly, …]} sets the scopes that the domain's administrator allows the service account; at first those of --scopes",
};

export const MENUS = {
  actions: ACTIONS,
  faults: CALL_FAULTS,
  worldFaults: WORLD_FAULTS,
  revokeGrantVariants: REFUSAL_NAMES,
} as const;
