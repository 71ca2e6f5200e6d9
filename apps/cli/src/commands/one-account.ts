import type { Command } from 'commander';

export interface OneAccountOptions {
  tenant?: string;
  json?: true;
}

/** Adds the common arguments of commands that change one account's state. */
export function forOneAccount(command: Command, description: string): Command {
  return command
    .description(description)
    .argument('<email>')
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'print {"email","tenant","state"}');
}
