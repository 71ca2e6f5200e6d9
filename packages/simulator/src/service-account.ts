import { orderedScope } from './consent/scopes.js';
import { SigningKey } from './signing-key.js';

const FIRST_KEY = 'sim-service-account';

/**
 * The only service account of the simulated project: for Pub/Sub directly, for mailboxes by
 * domain-wide delegation.
 */
export class ServiceAccount {
  readonly email = 'syncline@sim-project.iam.gserviceaccount.com';
  /** What an administrator enters to allow it. */
  readonly clientId = '109876543210987654322';
  /** The only valid key. */
  key = new SigningKey(FIRST_KEY);
  private keys = 1;

  /** @param allowed the scopes that the administrator allows for the users of every domain */
  constructor(private allowed: readonly string[]) {}

  get allowedScopes(): readonly string[] {
    return this.allowed;
  }

  /** Changes what the administrator allows; prefixes of scopes may be omitted. */
  allow(scopes: readonly string[]): void {
    this.allowed = scopes.map(orderedScope);
  }

  /** Google refuses a request as a whole when one of its scopes is not allowed. */
  allows(scopes: readonly string[]): boolean {
    return scopes.length > 0 && scopes.every((scope) => this.allowed.includes(scope));
  }

  /** Creates another key and deletes the one before. */
  replaceKey(): void {
    this.keys += 1;
    this.key = new SigningKey(`${FIRST_KEY}-${this.keys}`);
  }

  /** Returns the key file in the format of the Cloud console. */
  keyFile(): Record<string, string> {
    return {
      type: 'service_account',
      project_id: 'sim-project',
      private_key_id: this.key.kid,
      private_key: this.key.privatePem,
      client_email: this.email,
      client_id: this.clientId,
      token_uri: 'https://oauth2.googleapis.com/token',
      universe_domain: 'googleapis.com',
    };
  }
}
