import { readSource } from '@syncline/control/gmail/source';
import { OperatorError } from '@syncline/runtime';
import type { Command } from 'commander';
import { findAccount } from '../../accounts.js';
import { runWithStore } from '../../command.js';
import { UsageError } from '../../errors.js';
import { printBytes, printJson } from '../../output.js';

interface SourceOptions {
  tenant?: string;
  json?: true;
}

/**
 * `syncline source EMAIL MESSAGE > file.eml`: prints the message in its original form from the
 * mirror; Google is not asked.
 */
export function addSource(program: Command): void {
  program
    .command('source')
    .description(
      'write the stored RFC 822 source of a message to standard output (stored with MIRROR_BODIES=raw)',
    )
    .argument('<email>')
    .argument('<message>', 'the id of the message')
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'print {"messageId","size","source"} with the source in base64')
    .action((email: string, messageId: string, options: SourceOptions) =>
      runWithStore(async ({ config }, store) => {
        // A message may contain control sequences of a terminal.
        if (!options.json && process.stdout.isTTY)
          throw new UsageError(
            'a source is bytes: send them to a file (> file.eml), or ask for --json',
          );
        const account = await findAccount(store, email, options.tenant);
        const read = await readSource({ store }, account, messageId);
        if (read.kind !== 'found')
          throw new OperatorError(whyNone(messageId, read.kind, config.mirror.bodies));
        const { source } = read;
        await (options.json
          ? printJson({ messageId, size: source.length, source: source.toString('base64') })
          : printBytes(source));
        return 0;
      }),
    );
}

function whyNone(messageId: string, kind: 'no-message' | 'no-source', bodies: string): string {
  if (kind === 'no-message') return `The mirror has no message ${messageId} in this mailbox.`;
  const why =
    bodies === 'raw'
      ? 'it was stored before MIRROR_BODIES was raw; `sync EMAIL --resource gmail --full` fetches what is missing'
      : `MIRROR_BODIES is ${bodies}, and sources are stored with raw only`;
  return `The mirror keeps no source of message ${messageId}: ${why}.`;
}
