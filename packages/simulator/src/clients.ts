/**
 * OAuth clients. An unregistered client is accepted with any secret; a registered one is checked
 * for its secret and its state.
 */

export type ClientState = 'active' | 'deleted' | 'disabled';
export type ClientRefusal = 'invalid_client' | 'deleted_client' | 'disabled_client';

export interface ClientOrder {
  id: string;
  /**
   * Replaces the secret; the previous one is refused from now on. Default: any secret is accepted.
   */
  secret?: string;
  /** Default `active`. */
  state?: ClientState;
}

const REFUSAL_OF: Record<Exclude<ClientState, 'active'>, ClientRefusal> = {
  deleted: 'deleted_client',
  disabled: 'disabled_client',
};

export class Clients {
  private readonly registered = new Map<string, ClientOrder>();

  /** Throws RangeError for an invalid order. */
  register({ id, secret, state = 'active' }: ClientOrder): { id: string; state: ClientState } {
    if (typeof id !== 'string' || id === '') throw new RangeError('id must be a client id');
    if (secret !== undefined && typeof secret !== 'string')
      throw new RangeError('secret must be a text');
    if (!['active', 'deleted', 'disabled'].includes(state))
      throw new RangeError('state must be active, deleted or disabled');
    this.registered.set(id, { id, state, ...(secret === undefined ? {} : { secret }) });
    return { id, state };
  }

  /** Returns the token endpoint's error for this client, or null when it is accepted. */
  refusalOf(id: string, secret: string): ClientRefusal | null {
    const client = this.registered.get(id);
    if (client === undefined) return null;
    const { state = 'active' } = client;
    if (state !== 'active') return REFUSAL_OF[state];
    return client.secret === undefined || client.secret === secret ? null : 'invalid_client';
  }
}
