import {
  rotateMasterKey,
  type Rotated,
  type RotationStep,
  type RotationStop,
} from '@syncline/control/master-key';
import { openSharedTokens } from '@syncline/google';
import { OperatorError, redisSettings, unreachable, type Runtime } from '@syncline/runtime';
import type { LeaseHolder, Store } from '@syncline/store';
import type { Command } from 'commander';
import { runWithStore, wholeNumber, type Cli } from '../command.js';
import { printJson } from '../output.js';
import { printMessage } from '../terminal.js';
import { addApiKeys } from './api-keys.js';
import { addRetireLost } from './keys-retire-lost.js';

/** Values and channels per second. */
const DEFAULT_RATE = 500;
const PROGRESS_EVERY_MS = 2_000;

/**
 * `syncline keys …`: the keys of the HTTP API, and `rotate-master` and `retire-lost`
 * (docs/how-to/security.md, "Rotating the master key").
 */
export function addKeys(program: Command): void {
  const keys = program.command('keys').description('keys of the HTTP API, and the master key');
  addApiKeys(keys);
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
        const done = await rotate(cli, store, rate);
        if (json) await printJson(done);
        else printSummary(done, cli.config.oldMasterKey !== null);
        return done.remaining === 0 ? 0 : 1;
      }),
    );
}

/** @throws OperatorError when the rotation is not complete */
async function rotate({ rt, config }: Cli, store: Store, rate: number): Promise<Rotated> {
  const rotation = await rotateMasterKey(
    rt,
    {
      store,
      openTokens: async (ofRotation, reseal) =>
        openSharedTokens(ofRotation, redisSettings(config, await store.feed.name()), reseal),
    },
    { rate },
    progress(rt),
  );
  switch (rotation.kind) {
    case 'rotated':
      return rotation.rotated;
    case 'running-elsewhere':
      throw new OperatorError(runningWords(rotation.holder));
    case 'stopped':
      throw new OperatorError(stopWords(rotation.stop));
    default:
      return unreachable(rotation);
  }
}

function runningWords({ host, pid, endsInMs }: LeaseHolder): string {
  return `Another \`keys rotate-master\` is running on this database: ${host}, pid ${pid}. If it was killed, run the command again in ${Math.ceil(endsInMs / 1_000)} s.`;
}

function stopWords(stop: RotationStop): string {
  switch (stop.kind) {
    case 'blocked':
      return blockedWords(stop);
    case 'old-key-missing':
      return `${stop.values} values are sealed with another key than SYNCLINE_MASTER_KEY: set the previous key as SYNCLINE_MASTER_KEY_OLD.`;
    case 'old-key-used':
      return `Values or channels are under the master key with the id ${stop.keyIds.join(' and ')} again. Keep that key, and run the command again.`;
    case 'channels-stuck':
      return `No channel was renewed for ${stop.forMs / 60_000} minutes, and ${stop.left} are left: check that a scheduler and a worker are running, and run the command again. Their notifications are accepted while SYNCLINE_MASTER_KEY_OLD is set.`;
    default:
      return unreachable(stop);
  }
}

function blockedWords({ by }: Extract<RotationStop, { kind: 'blocked' }>): string {
  const lines = by.map(
    ({ service, host, pid, lacksKey }) =>
      `  ${service} on ${host}, pid ${pid}: ${lacksKey ? 'lacks the new key' : 'seals with another key'}`,
  );
  return (
    `These processes do not seal with the SYNCLINE_MASTER_KEY of this command yet:\n${lines.join('\n')}\n` +
    'Restart them with SYNCLINE_MASTER_KEY as the new key and SYNCLINE_MASTER_KEY_OLD as the previous one, then run the command again. A killed process no longer counts after 30 s.'
  );
}

function printSummary(done: Rotated, hasOldKey: boolean): void {
  const { resealed, unreadable, resealedAccessTokens, renewedChannels, remaining } = done;
  printMessage(
    `${resealed} values sealed with the new key, ${resealedAccessTokens} access tokens in Redis, ${renewedChannels} channels renewed`,
  );
  if (unreadable > 0)
    printMessage(
      `${unreadable} values cannot be opened with the configured keys: import their accounts again`,
    );
  printMessage(`${remaining} values remain under the old key`);
  if (remaining === 0 && hasOldKey)
    printMessage(
      'Remove SYNCLINE_MASTER_KEY_OLD and restart every process; then destroy the old key.',
    );
}

/** Prints a line every two seconds at most, and the first of each pass. */
function progress(rt: Runtime): (step: RotationStep) => void {
  const printedAtMs: Partial<Record<RotationStep['step'], number>> = {};
  return (step) => {
    const nowMs = rt.clock.nowMs();
    if (nowMs - (printedAtMs[step.step] ?? -Infinity) < PROGRESS_EVERY_MS) return;
    printedAtMs[step.step] = nowMs;
    printMessage(stepWords(step));
  };
}

function stepWords(step: RotationStep): string {
  switch (step.step) {
    case 'values':
      return `${step.resealed} values sealed with the new key`;
    case 'access-tokens':
      return `${step.resealed} access tokens in Redis sealed with the new key`;
    case 'channels':
      return `${step.left} channels to be renewed by the workers`;
    default:
      return unreachable(step);
  }
}
