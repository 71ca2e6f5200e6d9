import { type Attachment, GoogleError } from '@syncline/google';
import { OperatorError } from '@syncline/runtime';
import type { NamedAccount, Store } from '@syncline/store';
import { verifiedAccount } from '@syncline/sync';
import type { Command } from 'commander';
import { findAccount } from '../../accounts.js';
import { type Cli } from '../../command.js';
import { UsageError } from '../../mistakes.js';
import { printBytes, printJson } from '../../output.js';
import { withGoogle } from '../../with-google.js';
import { runWithControl } from '../../with-control.js';

interface AttachmentOptions {
  tenant?: string;
  json?: true;
}

/** A person waits at a terminal, so the command may wait for quota. */
const MAX_QUOTA_WAIT_MS = 60_000;

/** `syncline attachment EMAIL MESSAGE PART > file`: the bytes of one attachment, from Google now; the mirror holds what it is called and how large it is. */
export function addAttachment(program: Command): void {
  program
    .command('attachment')
    .description('fetch one attachment from Google and write its bytes to standard output')
    .argument('<email>')
    .argument('<message>', 'the id of the message')
    .argument('<part>', 'the partId of the attachment, as export names it')
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option(
      '--json',
      'print {"messageId","partId","filename","mimeType","size","data"} with the data in base64',
    )
    .action((email: string, messageId: string, partId: string, options: AttachmentOptions) =>
      runWithControl(
        async (control, cli, store) => {
          if (!options.json && process.stdout.isTTY)
            throw new UsageError(
              'an attachment is bytes: send them to a file (> file), or ask for --json',
            );
          const account = await findAccount(control, email, options.tenant);
          const attachment = await fetchOne(cli, store, account, messageId, partId);
          if (!attachment)
            throw new OperatorError(
              `Google has no message ${messageId} with a part ${partId} in this mailbox (any more).`,
            );
          const { data, ...rest } = attachment;
          await (options.json
            ? printJson({
                messageId,
                partId,
                ...rest,
                size: data.length,
                data: data.toString('base64'),
              })
            : printBytes(data));
          return 0;
        },
        ['google', 'master-key'],
      ),
    );
}

async function fetchOne(
  cli: Cli,
  store: Store,
  { id }: NamedAccount,
  messageId: string,
  partId: string,
): Promise<Attachment | null> {
  return withGoogle(cli, store, async (google, rt) => {
    try {
      const account = await verifiedAccount(rt, { store, google }, id, {
        lane: 'live',
        signal: rt.signal,
        maxQuotaWaitMs: MAX_QUOTA_WAIT_MS,
      });
      try {
        return await account.gmail.attachment(messageId, partId);
      } finally {
        await store.quota.record(id, account.takeSpent());
      }
    } catch (error) {
      if (error instanceof GoogleError)
        throw new OperatorError(`The attachment could not be fetched: ${error.message}.`);
      throw error;
    }
  });
}
