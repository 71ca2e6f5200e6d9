import { fetchAttachment, type AttachmentFetched } from '@syncline/control/gmail/attachment';
import type { Attachment } from '@syncline/google';
import { OperatorError, unreachable } from '@syncline/runtime';
import type { Command } from 'commander';
import { findAccount } from '../../accounts.js';
import { runWithStore } from '../../command.js';
import { UsageError } from '../../errors.js';
import { printBytes, printJson } from '../../output.js';
import { withGoogle } from '../../with-google.js';

interface AttachmentOptions {
  tenant?: string;
  json?: true;
}

/**
 * `syncline attachment EMAIL MESSAGE PART > file`: fetches the bytes of one attachment from Google;
 * the mirror has only its name and size.
 */
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
      runWithStore(
        async (cli, store) => {
          if (!options.json && process.stdout.isTTY)
            throw new UsageError(
              'an attachment is bytes: send them to a file (> file), or ask for --json',
            );
          const account = await findAccount(store, email, options.tenant);
          const needed = { messageId, partId };
          const { data, ...rest } = await withGoogle(cli, store, async (google, rt) =>
            attachmentOf(await fetchAttachment(rt, { store, google }, account, needed), needed),
          );
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

function attachmentOf(
  fetched: AttachmentFetched,
  { messageId, partId }: { messageId: string; partId: string },
): Attachment {
  switch (fetched.kind) {
    case 'found':
      return fetched.attachment;
    case 'no-attachment':
      throw new OperatorError(
        `Google has no message ${messageId} with a part ${partId} in this mailbox (any more).`,
      );
    case 'not-verified':
      throw fetched.error;
    case 'not-answered':
      throw new OperatorError(`The attachment could not be fetched: ${fetched.error.message}.`);
    default:
      return unreachable(fetched);
  }
}
