import {
  connectedResources,
  repairMirror,
  verifyMirror,
  type VerifyReport,
} from '@syncline/control/verification';
import { amount, heldSweepWords, nameOf } from '@syncline/control/words';
import type { Google } from '@syncline/google';
import { OperatorError } from '@syncline/runtime';
import { RESOURCE_NAMES, type AccountView, type Resource, type Store } from '@syncline/store';
import { type Command, Option } from 'commander';
import { findAccountView } from '../accounts.js';
import { type Cli, runWithStore, wholeNumber } from '../command.js';
import { print, printJson } from '../output.js';
import { openProgress, printable, printMessage } from '../terminal.js';
import { withGoogle } from '../with-google.js';

interface VerifyOptions {
  resource?: Resource;
  repair?: true;
  sample?: number;
  tenant?: string;
  json?: true;
}

/** The maximum number of ids in a report for people; `--json` has all of them. */
const NAMED_LIMIT = 10;

/**
 * `syncline verify EMAIL`: compares the mirror with Google now. The exit code is 1 on drift, which
 * `--repair` repairs by running the collections itself.
 */
export function addVerify(program: Command): void {
  program
    .command('verify')
    .description('compare the mirror with Google now (costs what reading everything costs)')
    .argument('<email>')
    .addOption(new Option('--resource <resource>', 'only this one').choices(RESOURCE_NAMES))
    .option('--repair', 'read the differing items again')
    .option(
      '--sample <count>',
      "of a mailbox: ids and labels by listing, and this many messages' content",
      wholeNumber(0, 1_000_000),
    )
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option(
      '--json',
      'print {"resource","checked","missing","extra","stale","unread","quarantined"?,"held"?}, a line per resource',
    )
    .action((email: string, options: VerifyOptions) =>
      runWithStore(
        async (cli, store) => {
          const account = await findAccountView(store, email, options.tenant);
          return withGoogle(cli, store, async (google, rt) => {
            const verifying = { rt, config: cli.config, store, google, account };
            const drifted = await verifyAll(verifying, options);
            if (options.repair) for (const report of drifted) await repair(verifying, report);
            return drifted.length > 0 ? 1 : 0;
          });
        },
        ['google', 'master-key'],
      ),
    );
}

interface Verifying extends Pick<Cli, 'rt' | 'config'> {
  store: Store;
  google: Google;
  account: AccountView;
}

/**
 * Prints a report for each resource.
 * @returns the reports with drift
 */
async function verifyAll(verifying: Verifying, options: VerifyOptions): Promise<VerifyReport[]> {
  const { resource } = options;
  const drifted: VerifyReport[] = [];
  const resources = resource === undefined ? connectedResources(verifying.account) : [resource];
  for (const one of resources) {
    const { report, isEqual } = await verifyOne(verifying, one, options);
    const text = (): string => reportText(report, verifying.rt.clock.nowMs());
    await (options.json ? printJson(report) : print(text()));
    if (!isEqual) drifted.push(report);
  }
  return drifted;
}

async function verifyOne(
  { rt, account, ...deps }: Verifying,
  resource: Resource,
  { sample }: VerifyOptions,
): Promise<{ report: VerifyReport; isEqual: boolean }> {
  const progress = openProgress(rt.clock);
  const onProgress = (checked: number): void =>
    progress.show({ line: `${resource}: ${amount(checked)} compared` });
  const verified = await verifyMirror(rt, deps, { account, resource, sample }, onProgress);
  if (verified.kind === 'not-answered')
    throw new OperatorError(`The comparison could not be finished: ${verified.error.message}.`);
  progress.end();
  return verified;
}

async function repair({ rt, account, ...deps }: Verifying, report: VerifyReport): Promise<void> {
  const repaired = await repairMirror(rt, deps, account, report);
  printMessage(
    repaired.kind === 'repaired'
      ? `${report.resource}: the differing items were read again`
      : `${report.resource}: the differing items could not be read again yet (${repaired.reason}); they stay requested, and are read when that has passed`,
  );
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
