import { type Control, openControl } from '@syncline/control';
import type { Requirement } from '@syncline/runtime';
import type { Store, StoreOptions } from '@syncline/store';
import { type Cli, runWithStore } from './command.js';

/**
 * `runWithStore` with what a command may ask and do. The store is for commands that have not moved
 * behind control.
 */
export async function runWithControl(
  act: (control: Control, cli: Cli, store: Store) => Promise<number>,
  requires?: readonly Requirement[],
  open?: Pick<StoreOptions, 'takesOtherKey'>,
): Promise<void> {
  await runWithStore(
    (cli, store) => act(openControl({ rt: cli.rt, store }), cli, store),
    requires,
    open,
  );
}
