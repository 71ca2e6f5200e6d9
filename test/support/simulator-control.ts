import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

export interface SimulatedAccount {
  email: string;
  refreshToken: string;
}

/**
 * The simulator's control interface over HTTP, as the demo uses it: the same for a simulator in
 * this process and in its own.
 */
export class SimulatorControl {
  constructor(readonly url: string) {}

  async accounts(): Promise<SimulatedAccount[]> {
    return (await this.lines('/sim/accounts')) as unknown as SimulatedAccount[];
  }

  /** Random actions over all accounts. */
  act(count: number): Promise<unknown> {
    return this.send('POST', '/sim/act', { count });
  }

  actAs(email: string, action: object): Promise<unknown> {
    return this.send('POST', `/sim/accounts/${encodeURIComponent(email)}/act`, action);
  }

  /**
   * Grants the user's access again.
   * @returns the new refresh token
   */
  async consent(email: string): Promise<string> {
    return (
      (await this.send(
        'POST',
        `/sim/accounts/${encodeURIComponent(email)}/consent`,
      )) as SimulatedAccount
    ).refreshToken;
  }

  /** Adds a person with a grant; a released address or alias may be used again. */
  async addAccount(account: {
    email: string;
    messages?: number;
    calendars?: number;
  }): Promise<SimulatedAccount> {
    return (await this.send('POST', '/sim/accounts', account)) as SimulatedAccount;
  }

  /** Changes the person's primary address; the previous one becomes an alias. */
  rename(email: string, to: string): Promise<unknown> {
    return this.send('POST', `/sim/accounts/${encodeURIComponent(email)}/rename`, { email: to });
  }

  /** Deletes the account and its grants. */
  delete(email: string): Promise<unknown> {
    return this.send('POST', `/sim/accounts/${encodeURIComponent(email)}/delete`);
  }

  rate(perSecond: number): Promise<unknown> {
    return this.send('POST', '/sim/rate', { perSecond });
  }

  fault(fault: object): Promise<unknown> {
    return this.send('POST', '/sim/faults', fault);
  }

  /**
   * Adds a fault of one item that stays until it is ended.
   * @returns its number
   */
  async spoil(item: string, kind: string, more: object = {}): Promise<number> {
    return ((await this.fault({ kind, item, ...more })) as { id: number }).id;
  }

  endFault(id: number): Promise<unknown> {
    return this.send('DELETE', `/sim/faults/${id}`);
  }

  clearFaults(): Promise<unknown> {
    return this.send('DELETE', '/sim/faults');
  }

  async ledger(): Promise<Ledger> {
    return (await this.send('GET', '/sim/ledger')) as Ledger;
  }

  truth(
    email: string,
    resource: 'gmail' | 'calendar' | 'contacts',
  ): Promise<Record<string, unknown>[]> {
    return this.lines(`/sim/truth/${encodeURIComponent(email)}?resource=${resource}`);
  }

  private async send(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await fetch(this.url + path, {
      method,
      ...(body
        ? { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
        : {}),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
    return text === '' ? null : JSON.parse(text);
  }

  private async lines(path: string): Promise<Record<string, unknown>[]> {
    const answer = await fetch(this.url + path);
    if (!answer.ok || !answer.body) throw new Error(`GET ${path}: ${answer.status}`);
    const parsed: Record<string, unknown>[] = [];
    for await (const line of createInterface({
      input: Readable.fromWeb(answer.body as Parameters<typeof Readable.fromWeb>[0]),
    }))
      if (line.trim()) parsed.push(JSON.parse(line));
    return parsed;
  }
}

/** The parts of the simulator's ledger that tests read. */
export interface Ledger {
  violations: { total: number; recent: { method: string; email: string; kind: string }[] };
  methods: Record<string, { calls: number; units: number; refused: number; faulted: number }>;
  callsAfterInvalidGrant: number;
  callsAfterRevoke: number;
  overlappingRefreshes: number;
}
