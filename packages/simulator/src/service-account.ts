import { SigningKey } from './signing-key.js';

/**
 * The only service account of the simulated project: for Pub/Sub directly, for mailboxes by
 * domain-wide delegation.
 */
export class ServiceAccount {
  readonly email = 'syncline@sim-project.iam.gserviceaccount.com';
  readonly key = new SigningKey('sim-service-account');

  /** Returns the key file in the format of the Cloud console. */
  keyFile(): Record<string, string> {
    return {
      type: 'service_account',
      project_id: 'sim-project',
      private_key_id: this.key.kid,
      private_key: this.key.privatePem,
      client_email: this.email,
      client_id: '109876543210987654322',
      token_uri: 'https://oauth2.googleapis.com/token',
      universe_domain: 'googleapis.com',
    };
  }
}
