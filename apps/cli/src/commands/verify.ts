import { amount, heldSweepWords, nameOf } from '@syncline/control/words';
import { type Google, GoogleError } from '@syncline/google';
import { OperatorError } from '@syncline/runtime';
import {
  RESOURCE_NAMES,
  resourceOf,
  type AccountView,
  type Resource,
  type Store,
} from '@syncline/store';
import { type VerifyReport, repairDrift, verifyAccount } from '@syncline/sync';
import { type Command, Option } from 'commander';
import { findAccountView } from '../accounts.js';
import { type Cli, wholeNumber } from '../command.js';
import { print, printJson } from '../output.js';
import { openProgress, printable, say } from '../terminal.js';
import { withGoogle } from '../with-google.js';
import { runWithControl } from '../with-control.js';

interface VerifyOptions {
  resource?: Resource;
  repair?: true;
  sample?: number;
  tenant?: string;
  json?: true;
}

/** Ids in a report for people; `--json` has them all. */
const NAMED_LIMIT = 10;

/** `syncline verify EMAIL`: compares the mirror with Google now; exit 1 on drift, which `--repair` mends by running the collections itself. */
export function addVerify(program: Command): void {
  program
    .command('verify')
    .description('compare the mirror with Google now (costs what reading everything costs)')
    .argument('<email>')
    .addOption(new Option('--resource <resource>', 'only this one').choices(RESOURCE_NAMES))
    .option('--repair', 'read what differs, and nothing else, again')
    .option(
      '--sample <count>',
      "of a mailbox: ids and labels by listing, and this many messages' content",
      wholeNumber(0, 1_000_000),
    )
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option(
      '--json',
      'print {"resource","checked","missing","extra","stale","unread","quarantined"?,"held"?}, a line a resource',
    )
    .action((email: string, options: VerifyOptions) =>
      runWithControl(
        async (control, cli, store) => {
          const account = await findAccountView(control, email, options.tenant);
          const resources =
            options.resource === undefined ? resourcesOf(account) : [options.resource];
          return withGoogle(cli, store, async (google, rt) => {
            const doors: Doors = { rt, config: cli.config, store, google };
            const drifted = await verifyAll(doors, account, resources, options);
            if (options.repair) for (const report of drifted) await repair(doors, account, report);
            return drifted.length > 0 ? 1 : 0;
          });
        },
        ['google', 'master-key'],
      ),
    );
}

interface Doors extends Pick<Cli, 'rt' | 'config'> {
  store: Store;
  google: Google;
}

/** What the account has connected: only that can be compared. */
function resourcesOf({ collections }: Pick<AccountView, 'collections'>): Resource[] {
  return RESOURCE_NAMES.filter((resource) =>
    collections.some(({ kind }) => resourceOf(kind) === resource),
  );
}

/** Prints a report for each resource. @returns those that have drifted */
async function verifyAll(
  { rt, config, store, google }: Doors,
  account: AccountView,
  resources: readonly Resource[],
  options: VerifyOptions,
): Promise<VerifyReport[]> {
  const drifted: VerifyReport[] = [];
  try {
    for (const resource of resources) {
      const progress = openProgress(rt.clock);
      const report = await verifyAccount(
        rt,
        { store, google, mirror: config.mirror },
        account.id,
        resource,
        {
          ...(options.sample === undefined ? {} : { sample: options.sample }),
          progress: (checked) =>
            progress.show({ line: `${resource}: ${amount(checked)} compared` }),
        },
      );
      progress.end();
      await (options.json ? printJson(report) : print(reportText(report, rt.clock.nowMs())));
      if (!isSound(report)) drifted.push(report);
    }
    return drifted;
  } catch (error) {
    if (error instanceof GoogleError)
      throw new OperatorError(`The comparison could not be finished: ${error.message}.`);
    throw error;
  }
}

/** Serves the wish itself, so that it does not depend on a worker that may not be there. */
async function repair(
  { rt, config, store, google }: Doors,
  account: AccountView,
  report: VerifyReport,
): Promise<void> {
  const collectionIds = account.collections
    .filter(({ kind, state }) => resourceOf(kind) === report.resource && state === 'active')
    .map(({ id }) => id);
  const unserved = await repairDrift(
    rt,
    { store, google, policy: config.poll, mirror: config.mirror },
    { accountId: account.id, collectionIds },
    report,
  );
  say(
    unserved === null
      ? `${report.resource}: what differed was read again`
      : `${report.resource}: what differs could not be read again yet (${unserved}); it stays wanted, and is read as soon as that is over`,
  );
}

/** An item that could not be read does not count as equal. */
function isSound(report: VerifyReport): boolean {
  return driftOf(report) + report.unread.length === 0;
}

function driftOf(report: VerifyReport): number {
  return report.missing.length + report.extra.length + report.stale.length;
}

function reportText(report: VerifyReport, nowMs: number): string {
  const kinds = ['missing', 'extra', 'stale', 'unread'] as const;
  const head = `${report.resource}: ${amount(report.checked)} checked, ${kinds.map((kind) => `${amount(report[kind].length)} ${kind}`).join(', ')}`;
  const named = kinds
    .filter((kind) => report[kind].length > 0)
    .map((kind) => {
      const more = report[kind].length - NAMED_LIMIT;
      return printable(
        `  ${kind}: ${report[kind].slice(0, NAMED_LIMIT).join(', ')}${more > 0 ? ` … and ${amount(more)} more` : ''}`,
      );
    });
  const held = (report.held ?? []).map((sweep) =>
    printable(`  ${nameOf(sweep)} ${heldSweepWords(sweep, nowMs)}`),
  );
  return [head, ...named, ...held].join('\n');
}
