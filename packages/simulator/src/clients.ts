/**
 * OAuth clients. The token endpoint accepts an unregistered client with any secret and checks a
 * registered one for its secret and its state. The authorization endpoint serves registered clients
 * only, because it must know their redirect URIs.
 */
import { orderedScope } from './consent/scopes.js';
import { textField as text, textsField as texts } from './order-fields.js';

export type ClientState = 'active' | 'deleted' | 'disabled';
export type ClientRefusal = 'invalid_client' | 'deleted_client' | 'disabled_client';
/**
 * Who may consent: everybody (`production`), the test users (`testing`; refresh tokens end after
 * seven days), or the people of one domain (`internal`).
 */
type ClientMode = 'production' | 'testing' | 'internal';

export interface ClientOrder {
  id: string;
  /**
   * Replaces the secret; the previous one is refused from now on. Default: any secret is accepted.
   */
  secret?: string;
  /** Default `active`. */
  state?: ClientState;
  /** The product's name on the consent page. Default: the id. */
  name?: string;
  /** Compared exactly. Default none: the authorization endpoint refuses every redirect URI. */
  redirectUris?: readonly string[];
  /** The scopes that the client has registered. Default: every scope of Google's. */
  scopes?: readonly string[];
  /** Default `production`. */
  mode?: ClientMode;
  /** Addresses that may consent to an app in testing. */
  testUsers?: readonly string[];
  /** The domain of an internal app. */
  domain?: string;
  /** Domains whose administrators block this client. */
  blockedDomains?: readonly string[];
}

export interface Client {
  readonly id: string;
  readonly secret: string | null;
  readonly state: ClientState;
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly scopes: readonly string[] | null;
  readonly mode: ClientMode;
  readonly testUsers: readonly string[];
  readonly domain: string;
  readonly blockedDomains: readonly string[];
}

const REFUSAL_OF: Record<Exclude<ClientState, 'active'>, ClientRefusal> = {
  deleted: 'deleted_client',
  disabled: 'disabled_client',
};
const STATES: readonly string[] = ['active', 'deleted', 'disabled'];
const MODES: readonly string[] = ['production', 'testing', 'internal'];

export class Clients {
  private readonly registered = new Map<string, Client>();

  /** Registers a client, or replaces all that is known of it. Throws RangeError for an invalid order. */
  register(order: ClientOrder): { id: string; state: ClientState } {
    const client = clientOf(order);
    this.registered.set(client.id, client);
    return { id: client.id, state: client.state };
  }

  /** Returns null for an unregistered client. */
  get(id: string): Client | null {
    return this.registered.get(id) ?? null;
  }

  /** Returns the token endpoint's error for this client, or null when it is accepted. */
  refusalOf(id: string, secret: string): ClientRefusal | null {
    const client = this.registered.get(id);
    if (client === undefined) return null;
    return (
      stateRefusal(client) ??
      (client.secret === null || client.secret === secret ? null : 'invalid_client')
    );
  }
}

/** Returns the error for a client that was deleted or disabled, otherwise null. */
export function stateRefusal({ state }: Client): ClientRefusal | null {
  return state === 'active' ? null : REFUSAL_OF[state];
}

function clientOf(order: ClientOrder): Client {
  const { id, secret, state = 'active', mode = 'production', scopes } = order;
  if (typeof id !== 'string' || id === '') throw new RangeError('id must be a client id');
  if (!STATES.includes(state)) throw new RangeError(`state must be ${STATES.join(', ')}`);
  if (!MODES.includes(mode)) throw new RangeError(`mode must be ${MODES.join(', ')}`);
  if (mode === 'internal' && text('domain', order.domain, '') === '')
    throw new RangeError('an internal client needs its domain');
  return {
    id,
    secret: secret === undefined ? null : text('secret', secret, ''),
    state,
    name: text('name', order.name, id),
    redirectUris: texts('redirectUris', order.redirectUris),
    scopes: scopes === undefined ? null : texts('scopes', scopes).map(orderedScope),
    mode,
    testUsers: texts('testUsers', order.testUsers).map((one) => one.toLowerCase()),
    domain: text('domain', order.domain, '').toLowerCase(),
    blockedDomains: texts('blockedDomains', order.blockedDomains).map((one) => one.toLowerCase()),
  };
}
