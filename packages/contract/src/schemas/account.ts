import { z } from 'zod';
import { time } from '../parameters.js';
import { RESOURCES } from '../resources.js';

export const resource = z.enum(RESOURCES);

/** The resources that a request is for. */
export const someResources = z
  .array(resource)
  .min(1)
  .max(10)
  .optional()
  .meta({ description: 'Omitted: all that the account has.' });

export const accountState = z.enum(['active', 'reauth_required', 'paused', 'disabled', 'removing']);

const audit = z.object({
  last: z
    .object({ at: time, checked: z.int(), contents: z.int(), drift: z.int() })
    .nullable()
    .meta({ description: 'The last complete comparison with Google.' }),
  inHand: z.object({ begunAt: time, checked: z.int(), drift: z.int() }).nullable(),
});

const heldSweep = z
  .object({
    rows: z.int(),
    since: time,
    waitsFor: z.enum(['second-listing', 'new-listing']),
    until: time.nullable(),
  })
  .meta({ description: 'Rows that a full listing lacked; they stay until another listing.' });

const unreadableItem = z.object({
  id: z.string(),
  state: z.enum(['quarantined', 'failing']),
  reason: z.string(),
  since: time,
  nextTryAt: time.nullable(),
});

/** What every view of a collection has. */
export const collectionFields = {
  id: z.uuid(),
  kind: z.string().meta({ description: 'What is synced: a resource, or a part of one.' }),
  externalId: z.string().meta({ description: "Google's name of it." }),
  phase: z.enum(['pending', 'full', 'incremental']),
  progress: z.object({
    done: z.int(),
    total: z.int().nullable(),
    etaSeconds: z.int().nullable(),
  }),
  lastSyncedAt: time.nullable(),
  nextSyncAt: time.nullable(),
  error: z.string().nullable(),
  parked: z.string().nullable().meta({ description: 'Why it waits for a person or for long.' }),
  heldSweep: heldSweep.nullable(),
  quarantined: z.int(),
  unreadable: z.array(unreadableItem),
  audit,
};

const collection = z.object(collectionFields).meta({ id: 'Collection' });

/** What every view of an account has. */
export const accountFields = {
  id: z.uuid(),
  email: z.string(),
  tenant: z.string(),
  project: z.string().meta({ description: 'The Google project of its grant.' }),
  state: accountState,
  reason: z.string().nullable().meta({ description: 'Why it is not active, for a person.' }),
  reasonCode: z.string().nullable().meta({ description: 'The same for programs.' }),
  aliases: z.array(z.string()).meta({ description: 'Its former addresses, in lower case.' }),
  lastConnect: z
    .object({ outcome: z.string(), at: time })
    .nullable()
    .meta({ description: 'How the last connect session about it went. Null: there was none.' }),
  feed: z.object({ epoch: z.int(), seq: z.int(), oldestSeq: z.int() }),
};

export const account = z
  .object({ ...accountFields, collections: z.array(collection) })
  .meta({ id: 'Account' });
