import { GoogleError, openGoogle } from '@syncline/google';
import { OperatorError } from '@syncline/runtime';
import type { AccountView, Store } from '@syncline/store';
import { type VerifyReport, repairDrift, verifyAccount } from '@syncline/sync';
import { type Command, Option } from 'commander';
import { findAccount } from '../accounts.js';
import { type Cli, runWithStore, wholeNumber } from '../command.js';
import { print, printJson } from '../output.js';
import { openProgress, printable, say } from '../terminal.js';
import { amount } from '../words.js';

type Resource = VerifyReport['resource'];

interface VerifyOptions {
  resource?: Resource;
  repair?: true;
  sample?: number;
  tenant?: string;
  json?: true;
}

/** Ids in a report for people; `--json` has them all. */
const NAMED_LIMIT = 10;

/** `syncline verify EMAIL`: compares the mirror with Google now; exit 1 on drift, which `--repair` has mended by the next runs. */
export function addVerify(program: Command): void {
  program
    .command('verify')
    .description('compare the mirror with Google now (costs what reading everything costs)')
    .argument('<email>')
    .addOption(new Option('--resource <resource>', 'only this one').choices(['gmail', 'calendar']))
    .option('--repair', 'have what differs, and nothing else, read again by the workers')
    .option('--sample <count>', "of a mailbox: ids and labels by listing, and this many messages' content", wholeNumber(0, 1_000_000))
    .option('--tenant <tenant>', 'when several tenants have the address')
    .option('--json', 'print {"resource","checked","missing","extra","stale"}, a line a resource')
    .action((email: string, options: VerifyOptions) => runWithStore(async (cli, store) => {
      const account = await findAccount(store, email, options.tenant);
      const resources = options.resource === undefined ? resourcesOf(account.collections) : [options.resource];
      const drifted = await verifyAll(cli, store, account, resources, options);
      if (options.repair) for (const report of drifted) await repair(store, account.id, report);
      return drifted.length > 0 ? 1 : 0;
    }, ['google', 'master-key']));
}

/** What the account has connected: only that can be compared. */
function resourcesOf(collections: readonly { kind: string }[]): Resource[] {
  return (['gmail', 'calendar'] as const).filter((resource) => collections.some(({ kind }) => kind.startsWith(resource)));
}

/** Prints a report for each resource. @returns those that have drifted */
async function verifyAll(cli: Cli, store: Store, account: AccountView, resources: readonly Resource[], options: VerifyOptions): Promise<VerifyReport[]> {
  const { rt, config } = cli;
  const google = await openGoogle(rt, { ...config.google, redisUrl: config.redisUrl, quotas: config.quotas, tokens: store.vault });
  const drifted: VerifyReport[] = [];
  try {
    for (const resource of resources) {
      const progress = openProgress(rt.clock);
      const report = await verifyAccount(rt, { store, google, mirror: config.mirror }, account.id, resource, {
        project: account.project,
        ...(options.sample === undefined ? {} : { sample: options.sample }),
        progress: (checked) => progress.show({ line: `${resource}: ${amount(checked)} compared` }),
      });
      progress.end();
      await (options.json ? printJson(report) : print(reportText(report)));
      if (driftOf(report) > 0) drifted.push(report);
    }
    return drifted;
  } catch (error) {
    if (error instanceof GoogleError) throw new OperatorError(`The comparison could not be finished: ${error.message}.`);
    throw error;
  } finally {
    await google.close();
  }
}

async function repair(store: Store, accountId: string, report: VerifyReport): Promise<void> {
  await repairDrift(store, accountId, report);
  say(`${report.resource}: what differs is read again by the workers; verify again when it is done (syncline wait)`);
}

function driftOf(report: VerifyReport): number {
  return report.missing.length + report.extra.length + report.stale.length;
}

function reportText(report: VerifyReport): string {
  const kinds = ['missing', 'extra', 'stale'] as const;
  const head = `${report.resource}: ${amount(report.checked)} checked, ${kinds.map((kind) => `${amount(report[kind].length)} ${kind}`).join(', ')}`;
  const named = kinds.filter((kind) => report[kind].length > 0).map((kind) => {
    const more = report[kind].length - NAMED_LIMIT;
    return printable(`  ${kind}: ${report[kind].slice(0, NAMED_LIMIT).join(', ')}${more > 0 ? ` … and ${amount(more)} more` : ''}`);
  });
  return [head, ...named].join('\n');
}
