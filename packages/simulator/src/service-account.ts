import { SigningKey } from './signing-key.js';

/** The one service account of the simulated project: for Pub/Sub by itself, for mailboxes by domain-wide delegation. */
export class ServiceAccount {
  readonly email = 'syncline@sim-project.iam.gserviceaccount.com';
  readonly key = new SigningKey('sim-service-account');

  /** The key file as the Cloud console gives it out. */
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
