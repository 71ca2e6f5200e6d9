import type { Command } from 'commander';

type Add = (parent: Command) => void;

/* The registry of commands of one resource, in the order of the help. */

export const RESOURCE_COMMANDS: readonly [string, () => Promise<Add>][] = [
  ['instances', async () => (await import('./commands/calendar/instances.js')).addInstances],
  ['attachment', async () => (await import('./commands/gmail/attachment.js')).addAttachment],
  ['source', async () => (await import('./commands/gmail/source.js')).addSource],
];
