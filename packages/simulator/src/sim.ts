import type { SimClock } from './clock.js';
import type { Faults } from './faults.js';
import type { HistoryPosition } from './gmail/history.js';
import type { ListPosition } from './gmail/list.js';
import type { MessageJson } from './gmail/message-json.js';
import type { Clients } from './clients.js';
import type { Authorizations } from './consent/authorizations.js';
import type { Codes } from './consent/codes.js';
import type { ConsentScripts } from './consent/scripts.js';
import type { Grants } from './grants.js';
import type { Ledger } from './ledger.js';
import type { ApiMethod } from './methods.js';
import type { Settings } from './options.js';
import type { PageTokens } from './page-tokens.js';
import type { Prng } from './prng.js';
import type { Channels } from './push/channels.js';
import type { PubSub } from './push/pubsub.js';
import type { Watches } from './push/watches.js';
import type { Delivery } from './push/delivery.js';
import type { Quota } from './quota.js';
import type { ServiceAccount } from './service-account.js';
import type { SigningKey } from './signing-key.js';
import type { Format } from './http/reply.js';
import type { Account, World } from './world.js';

/** The state that all parts of the simulator share. */
export interface Sim {
  readonly settings: Settings;
  readonly clock: SimClock;
  readonly world: World;
  readonly grants: Grants;
  readonly clients: Clients;
  readonly authorizations: Authorizations;
  readonly codes: Codes;
  readonly consentScripts: ConsentScripts;
  readonly ledger: Ledger;
  readonly quota: Quota;
  readonly serviceAccount: ServiceAccount;
  /** Signs the identity tokens of people and of pushes. */
  readonly signingKey: SigningKey;
  readonly delivery: Delivery;
  readonly pubsub: PubSub;
  readonly watches: Watches;
  readonly channels: Channels;
  readonly faults: Faults;
  /** Randomness of the traffic (shuffles, tokens, noise), never of the world. */
  readonly traffic: Prng;
  readonly messageJson: MessageJson;
  readonly listPages: PageTokens<ListPosition>;
  readonly historyPages: PageTokens<HistoryPosition>;
}

/** An admitted call: its account, ids and parameters. */
export interface Asked {
  readonly sim: Sim;
  readonly account: Account;
  /** The decoded path segments after the collection. */
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
  readonly format: Format;
  readonly method: ApiMethod;
}
