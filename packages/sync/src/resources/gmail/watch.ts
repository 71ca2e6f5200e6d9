import { comparableAddress } from '@syncline/runtime';
import { adoptAddress } from '../../identity/check-grant.js';
import { renewInMs } from '../../watch/schedule.js';
import type { WatchOutcome, WatchWork } from '../../watch/work.js';
import type { WatchModule } from '../resource.js';

/** A mailbox has one watch for each OAuth client; a new watch replaces the old one. */
export const MAILBOX_WATCH: WatchModule = {
  begin: watchMailbox,
  end: async (_store, account, { shared }) => {
    if (!shared) await account.gmail.stopWatch();
  },
  endSuperseded: () => Promise.resolve(),
};

async function watchMailbox(
  { deps, held, account, rt }: WatchWork,
  topic: string,
  forSilence: boolean,
): Promise<WatchOutcome> {
  const { emailAddress } = await account.gmail.profile();
  const check = await adoptAddress(
    rt,
    deps,
    account,
    {
      accountId: held.accountId,
      project: held.project,
      grant: held.grant.number,
      email: held.email,
    },
    emailAddress,
    'profile',
  );
  if (check?.kind === 'held') return 'refused';
  // Google sends its first notification before it answers the call, so the mailbox's address must
  // be stored by then.
  if (
    held.address !== comparableAddress(emailAddress) &&
    !(await deps.store.watches.noteAddress(held, emailAddress))
  )
    return 'taken-over';
  // Our own watch on another topic would prevent the new one.
  if (held.target !== null && held.target !== topic && !held.shared)
    await account.gmail.stopWatch();
  const { expiresAt } = await account.gmail.watch(topic);
  const nextInMs = renewInMs(held.collectionId, expiresAt.getTime() - rt.clock.nowMs());
  const finished = await deps.store.watches.finish(held, {
    state: 'on',
    nextInMs,
    error: null,
    watched: { target: topic, expiresAt, forSilence },
  });
  return finished ? 'watched' : 'taken-over';
}
