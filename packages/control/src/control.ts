import type { Runtime } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import { type Accounts, accountsOver } from './accounts/index.js';
import type { AccountRef, Found } from './accounts/find.js';
import { type AccountStatus, accountStatus } from './status/why.js';

/** What control works with; the composition root opens and closes it. */
export interface ControlDeps {
  rt: Runtime;
  store: Store;
}

/** What operators and customers may ask and do, for the CLI, the API and the console. */
export interface Control {
  accounts: Accounts;
  /** Why an account is as fresh or stale as it is. */
  status(ref: AccountRef): Promise<Found<AccountStatus>>;
}

export function openControl(deps: ControlDeps): Control {
  const { rt, store } = deps;
  return {
    accounts: accountsOver(deps),
    status: (ref) => accountStatus(store, ref, () => rt.clock.nowMs()),
  };
}
