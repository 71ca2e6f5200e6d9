/** The handlers of the route table: a file for each group, as in packages/contract/src/routes. */
import type { FeedHints } from '@syncline/control/feed-stream';
import type { FreshReads } from '@syncline/control/fresh-reads';
import type { Google } from '@syncline/google';
import type { PlanConfig } from '@syncline/control/quota-plan';
import type { Runtime } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import type { ConnectParts } from '../connect/open.js';
import type { Handlers } from '../v1/handler.js';
import type { Slots } from '../v1/slots.js';
import { accountHandlers } from './accounts.js';
import { calendarHandlers } from './calendar/calendars.js';
import { changeHandlers } from './changes.js';
import { connectHandlers } from './connect.js';
import { contactHandlers } from './contacts.js';
import { documentHandlers } from './documents.js';
import { mailHandlers } from './gmail/mail.js';
import { keyHandlers } from './keys.js';
import { operationHandlers } from './operations.js';
import { quarantineHandlers } from './quarantine.js';
import { quotaHandlers } from './quota.js';
import { syncHandlers } from './sync.js';
import { timelineHandlers } from './timeline.js';

export interface HandlerDeps {
  store: Store;
  /** Say when feeds have grown. */
  hints: FeedHints;
  fresh: FreshReads;
  /** For what is fetched from Google. */
  slots: Slots;
  /** Null when no OAuth client is configured. */
  google: Google | null;
  /** For connect sessions; null when no OAuth client is configured. */
  connect: ConnectParts | null;
  /** The names of the configured Google projects beside the default one. */
  projects: readonly string[];
  /** What plans of quota are computed from. */
  planning: PlanConfig;
  /** The address of this API, for the document. */
  serverUrl: string;
  version: string;
}

/** What reads of an account's rows need. */
export type ReadDeps = HandlerDeps & { draining: AbortSignal };

/** An entry of the table without a handler, or a handler without an entry, does not compile. */
export function openHandlers(rt: Runtime, deps: HandlerDeps): Handlers {
  const reads: ReadDeps = { ...deps, draining: rt.signal };
  return {
    ...accountHandlers(rt, deps),
    ...connectHandlers(rt, deps),
    ...syncHandlers(rt, deps),
    ...timelineHandlers(deps),
    ...mailHandlers(rt, reads),
    ...calendarHandlers(reads),
    ...contactHandlers(reads),
    ...changeHandlers(rt, deps),
    ...operationHandlers(rt, deps),
    ...quarantineHandlers(deps),
    ...quotaHandlers(rt, deps),
    ...keyHandlers(deps),
    ...documentHandlers(deps),
  };
}
