import type { CollectionModule, ResourceModule } from '../resource.js';
import { askForMessages } from './ask.js';
import { auditMailbox } from './audit.js';
import { parseGmailCursor } from './cursor.js';
import { replayStep } from './replay.js';
import { gmailStep } from './step.js';
import { verifyMailbox } from './verify.js';
import { MAILBOX_WATCH } from './watch.js';

export const GMAIL: ResourceModule = {
  probe: async (account) => void (await account.gmail.profile()),
  compare: verifyMailbox,
  comparesAlone: true,
  refetch: async (store, accountId, ids) =>
    void (await store.quarantine.wantMessages(accountId, ids)),
};

export const MAILBOX: CollectionModule = {
  parseCursor: parseGmailCursor,
  step: async (context, cursor) => {
    const mailbox = parseGmailCursor(cursor);
    return (await replayStep(context, mailbox)) ?? gmailStep(context, mailbox);
  },
  position: {
    method: 'gmail.users.history.list',
    otherAnswer: ({ google }) => google.gmail.listMessages({ pageToken: null }),
  },
  namedBy: (delta) =>
    delta.kind === 'gmail' ? [...delta.messages, ...delta.labelChanges].map(({ id }) => id) : [],
  ask: askForMessages,
  audit: auditMailbox,
  watch: MAILBOX_WATCH,
};
