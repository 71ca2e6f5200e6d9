import { openSharedTokens, type SharedTokens } from '@syncline/google';
import { OperatorError, redisSettings, type Runtime } from '@syncline/runtime';
import { nameOfHolder, type MasterKeyRotation, type Store } from '@syncline/store';
import type { Command } from 'commander';
import { runWithStore, wholeNumber, type Cli } from '../command.js';
import { printJson } from '../output.js';
import { say } from '../terminal.js';
import { addRetireLost } from './keys-retire-lost.js';

/** Values and channels per second. */
const DEFAULT_RATE = 500;
const BATCH_LIMIT = 500;
const PROGRESS_EVERY_MS = 2_000;
/** Channels are counted once a second, or less often: counting takes at most a tenth of the time. */
const COUNT_EVERY_MS = 1_000;
const COUNT_SHARE = 0.1;
/** Renewing a channel takes seconds; a failed one is tried again within minutes. */
const CHANNELS_STUCK_MS = 15 * 60_000;

interface Rotated {
  /** Refresh tokens. */
  resealed: number;
  /** Refresh tokens that do not open, or are under keys that this process lacks: their accounts need a new import. */
  unreadable: number;
  /** Access tokens that the fleet shares through Redis. */
  resealedAccessTokens: number;
  renewedChannels: number;
  /** Refresh tokens under the old key. */
  remaining: number;
}

/** `syncline keys rotate-master` and `retire-lost` (docs/deployment.md, "Rotating the master key"). */
export function addKeys(program: Command): void {
  const keys = program.command('keys').description('the master key');
  addRetireLost(keys);
  keys
    .command('rotate-master')
    .description(
      'seal every stored value with SYNCLINE_MASTER_KEY, and have channels renewed, so that SYNCLINE_MASTER_KEY_OLD can be removed; continues a rotation that was interrupted',
    )
    .option('--rate <n>', 'values and channels per second', wholeNumber(1, 100_000), DEFAULT_RATE)
    .option(
      '--json',
      'print {"resealed","unreadable","resealedAccessTokens","renewedChannels","remaining"}',
    )
    .action(({ rate, json }: { rate: number; json?: true }) =>
      runWithStore(async (cli, store) => {
        const done = await store.alone('rotate-master', ({ signal }) =>
          rotate(withSignal(cli, signal), store, rate),
        );
        if (done.kind === 'held')
          throw new OperatorError(
            `Another \`keys rotate-master\` is running on this database: ${done.by.host}, pid ${done.by.pid}. If it was killed, run the command again in ${Math.ceil(done.by.endsInMs / 1_000)} s.`,
          );
        if (json) await printJson(done.result);
        else printSummary(done.result, cli.config.oldMasterKey !== null);
        return done.result.remaining === 0 ? 0 : 1;
      }),
    );
}

/** A lost lease ends the work in the same way as a signal to the process. */
function withSignal({ rt, config }: Cli, lost: AbortSignal): Pick<Cli, 'rt' | 'config'> {
  return { rt: { ...rt, signal: AbortSignal.any([rt.signal, lost]) }, config };
}

async function rotate(
  { rt, config }: Pick<Cli, 'rt' | 'config'>,
  store: Store,
  rate: number,
): Promise<Rotated> {
  const { masterKeyRotation: rotation } = store;
  await refuseWhileBlocked(rotation);
  if (rotation.start() === null) await refuseWithoutOldKey(rotation);
  const settings = redisSettings(config, await store.feed.name());
  const tokens = await openSharedTokens(rt, settings, rotation.resealAccessToken);
  try {
    await rotation.begin();
    const values = await resealAll(rt, rotation, rate);
    const resealedAccessTokens = await resealShared(rt, rotation, tokens, rate);
    const renewedChannels = await renewChannels(rt, rotation, rate);
    // A process that started meanwhile with the old key alone may have sealed with it.
    await refuseWhileBlocked(rotation);
    const { old, lost } = await rotation.remaining();
    // The old key does not open these values, so they do not keep it in use.
    const remaining = Math.max(0, old - values.unreadable);
    if (remaining === 0) refuseKept(await rotation.end());
    return {
      resealed: values.resealed,
      unreadable: values.unreadable + lost,
      resealedAccessTokens,
      renewedChannels,
      remaining,
    };
  } finally {
    tokens.close();
  }
}

/** @throws OperatorError naming the running processes that lack the new key or seal with another one */
async function refuseWhileBlocked(rotation: MasterKeyRotation): Promise<void> {
  const hindrances = await rotation.hindrances();
  if (hindrances.length === 0) return;
  const lines = hindrances.map(
    (holder) =>
      `${nameOfHolder(holder)}: ${holder.lacksKey ? 'lacks the new key' : 'seals with another key'}`,
  );
  throw new OperatorError(
    `These processes do not seal with the SYNCLINE_MASTER_KEY of this command yet:\n${lines.join('\n')}\n` +
      'Restart them with SYNCLINE_MASTER_KEY as the new key and SYNCLINE_MASTER_KEY_OLD as the previous one, then run the command again. A killed process no longer counts after 30 s.',
  );
}

/** @throws OperatorError when a process has used an old key after its values were sealed anew */
function refuseKept(keyIds: readonly string[]): void {
  if (keyIds.length > 0)
    throw new OperatorError(
      `Values or channels are under the master key with the id ${keyIds.join(' and ')} again. Keep that key, and run the command again.`,
    );
}

/** @throws OperatorError when values are sealed with another key */
async function refuseWithoutOldKey(rotation: MasterKeyRotation): Promise<void> {
  const { old, lost } = await rotation.remaining();
  if (old + lost > 0)
    throw new OperatorError(
      `${old + lost} values are sealed with another key than SYNCLINE_MASTER_KEY: set the previous key as SYNCLINE_MASTER_KEY_OLD.`,
    );
}

/** Repeats until a pass finds nothing to do, since another program may have sealed with an old key during a pass. */
async function resealAll(
  rt: Runtime,
  rotation: MasterKeyRotation,
  rate: number,
): Promise<{ resealed: number; unreadable: number }> {
  const limit = Math.min(BATCH_LIMIT, rate);
  const tell = progress(rt);
  let resealed = 0;
  for (;;) {
    const before = resealed;
    let unreadable = 0;
    for (let cursor = rotation.start(); cursor !== null;) {
      const batch = await rotation.reseal(cursor, limit);
      resealed += batch.resealed;
      unreadable += batch.unreadable;
      cursor = batch.next;
      if (batch.resealed === 0) continue;
      await refuseWhileBlocked(rotation);
      tell(`${resealed} values sealed with the new key`);
      await rt.clock.sleep((1_000 * limit) / rate, rt.signal);
    }
    if (resealed === before) return { resealed, unreadable };
  }
}

/** Access tokens of accounts that are rarely synced would stay under the old key for up to an hour. */
async function resealShared(
  rt: Runtime,
  rotation: MasterKeyRotation,
  tokens: SharedTokens,
  rate: number,
): Promise<number> {
  const limit = Math.min(BATCH_LIMIT, rate);
  const tell = progress(rt);
  let resealed = 0;
  let last: string | null = null;
  for (;;) {
    const accounts = await rotation.accountsAfter(last, limit);
    if (accounts.length === 0) return resealed;
    const changed = await tokens.reseal(accounts);
    resealed += changed;
    last = accounts.at(-1)?.accountId ?? null;
    if (changed === 0) continue;
    await refuseWhileBlocked(rotation);
    tell(`${resealed} access tokens in Redis sealed with the new key`);
    await rt.clock.sleep((1_000 * limit) / rate, rt.signal);
  }
}

/** Waits until the workers have renewed the channels, as they do before an expiry. @returns how many were renewed */
async function renewChannels(
  rt: Runtime,
  rotation: MasterKeyRotation,
  rate: number,
): Promise<number> {
  const tell = progress(rt);
  const count = async (): Promise<{ left: number; tookMs: number }> => {
    const beganMs = rt.clock.nowMs();
    const left = await rotation.channelsLeft();
    return { left, tookMs: rt.clock.nowMs() - beganMs };
  };
  const first = await count();
  let now = first;
  let fewest = { left: first.left, atMs: rt.clock.nowMs() };
  for (;;) {
    const everyMs = Math.max(COUNT_EVERY_MS, now.tookMs / COUNT_SHARE);
    const limit = Math.ceil((rate * everyMs) / 1_000);
    const brought = await rotation.bringChannelsForward(limit);
    if (now.left === 0 && brought < limit) return first.left;
    await rt.clock.sleep(everyMs, rt.signal);
    now = await count();
    if (now.left < fewest.left) fewest = { left: now.left, atMs: rt.clock.nowMs() };
    tell(`${now.left} channels to be renewed by the workers`);
    if (now.left > 0 && rt.clock.nowMs() - fewest.atMs > CHANNELS_STUCK_MS)
      throw new OperatorError(
        `No channel was renewed for ${CHANNELS_STUCK_MS / 60_000} minutes, and ${now.left} are left: check that a scheduler and a worker are running, and run the command again. Their notifications are accepted while SYNCLINE_MASTER_KEY_OLD is set.`,
      );
  }
}

function printSummary(done: Rotated, hasOldKey: boolean): void {
  const { resealed, unreadable, resealedAccessTokens, renewedChannels, remaining } = done;
  say(
    `${resealed} values sealed with the new key, ${resealedAccessTokens} access tokens in Redis, ${renewedChannels} channels renewed`,
  );
  if (unreadable > 0)
    say(`${unreadable} values open with no key that is set here: import their accounts again`);
  say(`${remaining} values remain under the old key`);
  if (remaining === 0 && hasOldKey)
    say('Remove SYNCLINE_MASTER_KEY_OLD and restart every process; then destroy the old key.');
}

/** A line every two seconds at most. */
function progress(rt: Runtime): (line: string) => void {
  let printedAtMs = -Infinity;
  return (line) => {
    if (rt.clock.nowMs() - printedAtMs < PROGRESS_EVERY_MS) return;
    printedAtMs = rt.clock.nowMs();
    say(line);
  };
}
