import { GoogleError, type GoogleAccount } from '@syncline/google';
import type { HeldWatch, Store } from '@syncline/store';
import { LONGEST_LIFE_MS, renewInMs } from '../../watch/schedule.js';
import type { WatchOutcome, WatchWork } from '../../watch/work.js';
import type { WatchModule } from '../resource.js';

/** A renewal opens a new channel beside the old one, so that no change falls between them. */
export const CHANNEL_WATCH: WatchModule = {
  begin: openChannel,
  end: (store, account, { channels }) => stopChannels(store, account, channels),
  endSuperseded: (store, account, { channels }) =>
    stopChannels(
      store,
      account,
      channels.filter(({ superseded }) => superseded),
    ),
};

async function openChannel(
  { deps, held, account, rt, overlapMs }: WatchWork,
  address: string,
  forSilence: boolean,
): Promise<WatchOutcome> {
  const { store } = deps;
  const channelId = rt.random.uuid();
  if (
    !(await store.watches.addChannel(held, channelId, new Date(rt.clock.nowMs() + LONGEST_LIFE_MS)))
  )
    return 'taken-over';
  const order = {
    channelId,
    token: store.vault.channelToken(channelId),
    address,
    ttlSeconds: LONGEST_LIFE_MS / 1_000,
  };
  const channel = await account.calendar
    .openChannel(held.kind === 'calendar-list' ? null : held.externalId, order)
    .catch(async (error: unknown) => {
      // A permanent refusal means that there is no such channel. Without a response the channel may
      // exist, and may send notifications.
      if (error instanceof GoogleError && error.detail.kind !== 'unavailable')
        await store.watches.dropChannel(channelId);
      throw error;
    });
  await store.watches.confirmChannel(held, channelId, channel.resourceId, channel.expiresAt);
  const renewMs = renewInMs(held.collectionId, channel.expiresAt.getTime() - rt.clock.nowMs());
  const nextInMs = held.channels.length > 0 ? Math.min(overlapMs, renewMs) : renewMs;
  const finished = await store.watches.finish(held, {
    state: 'on',
    nextInMs,
    error: null,
    watched: { target: address, expiresAt: channel.expiresAt, forSilence },
  });
  return finished ? 'watched' : 'taken-over';
}

async function stopChannels(
  store: Store,
  account: GoogleAccount,
  channels: readonly HeldWatch['channels'][number][],
): Promise<void> {
  for (const { id, resourceId, expired } of channels) {
    // A channel whose resource id is unknown cannot be stopped, and expires by itself.
    if (resourceId !== null && !expired)
      await account.calendar.stopChannel(id, resourceId).catch(passOverGone);
    await store.watches.dropChannel(id);
  }
}

function passOverGone(error: unknown): void {
  if (!(error instanceof GoogleError) || error.detail.kind !== 'not-found') throw error;
}
