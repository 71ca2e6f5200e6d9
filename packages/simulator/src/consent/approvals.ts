/**
 * What people have approved, by person and client. At Google all consents of one person to one
 * client are one approval, which a revocation ends as a whole.
 */
export interface Approval {
  readonly scopes: ReadonlySet<string>;
  /** Whether a refresh token has been given for it. */
  readonly offline: boolean;
}

const NONE: Approval = { scopes: new Set(), offline: false };

export class Approvals {
  private readonly byPerson = new Map<string, Map<string, Approval>>();

  /** @param person the account's key */
  of(person: string, client: string): Approval {
    return this.byPerson.get(person)?.get(client) ?? NONE;
  }

  add(person: string, client: string, scopes: readonly string[], offline: boolean): void {
    const before = this.of(person, client);
    const clients = this.byPerson.get(person) ?? new Map<string, Approval>();
    this.byPerson.set(person, clients);
    clients.set(client, {
      scopes: new Set([...before.scopes, ...scopes]),
      offline: before.offline || offline,
    });
  }

  /** Ends the approval of one client; with null those of all clients. */
  end(person: string, client: string | null): void {
    if (client === null) this.byPerson.delete(person);
    else this.byPerson.get(person)?.delete(client);
  }
}
