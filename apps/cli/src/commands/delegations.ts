import { createReadStream } from 'node:fs';
import {
  checkDelegation,
  listDelegations,
  removeDelegation,
  setDelegation,
  type DelegationCheck,
} from '@syncline/control/delegations';
import { counted, when } from '@syncline/control/words';
import { OperatorError } from '@syncline/runtime';
import {
  DEFAULT_RESOURCES,
  RESOURCE_NAMES,
  type DelegationView,
  type Resource,
} from '@syncline/store';
import { type Command, InvalidArgumentError } from 'commander';
import { runWithStore, type Cli } from '../command.js';
import { print, printJson } from '../output.js';
import { printable, printMessage, table } from '../terminal.js';
import { withGoogle } from '../with-google.js';

const DEFAULT_TENANT = 'default';
const FILE_LIMIT_BYTES = 64 * 1024;

interface SetOptions {
  domain?: string[];
  tenant: string;
  project?: string;
  json?: true;
}

interface CheckOptions {
  resources?: Resource[];
  tenant: string;
  json?: true;
}

/** `syncline delegations …`: service accounts that act for the users of a Workspace domain. */
export function addDelegations(program: Command): void {
  const delegations = program
    .command('delegations')
    .description('service accounts that act for the users of a Workspace domain');
  addSet(delegations);
  addList(delegations);
  addCheck(delegations);
  addRemove(delegations);
}

function addSet(delegations: Command): void {
  delegations
    .command('set')
    .description('store the key file of a service account, or replace the key of a delegation')
    .argument('<name>', 'how imports name it', delegationName)
    .argument('<file>', 'the JSON key file; - reads standard input')
    .option('--domain <domains>', 'the domains of its users, separated by commas', domainList)
    .option('--tenant <tenant>', 'whose accounts may use it', DEFAULT_TENANT)
    .option('--project <project>', 'the Google project whose quota its calls count against')
    .option('--json', 'print {"tenant","name","created","resumed","clientId","scopes"}')
    .action((name: string, file: string, { domain = [], tenant, project, json }: SetOptions) =>
      runWithStore(async (cli, store) => {
        const done = await setDelegation(
          { store },
          {
            tenant,
            name,
            keyFile: await contentOf(file),
            project: project ?? null,
            domains: domain,
            projects: cli.config.google.projects.map((one) => one.name),
          },
        );
        if (json) await printJson(done);
        else
          printMessage(
            `${done.created ? 'stored' : 'replaced the key'}; ${counted(done.resumed, 'waiting account')} tried again\n${enterWords(done)}`,
          );
        return 0;
      }),
    );
}

function addList(delegations: Command): void {
  delegations
    .command('list')
    .description('every delegation; keys are not shown')
    .option(
      '--json',
      'print [{"tenant","name","project","domains","clientId","privateKeyId","updatedAt","accounts"}]',
    )
    .action(({ json }: { json?: true }) =>
      runWithStore(async ({ rt }, store) => {
        const found = await listDelegations({ store });
        if (json) await printJson(found);
        else await print(found.length === 0 ? NONE : tableOf(found, rt.clock.nowMs()));
        return 0;
      }),
    );
}

function addCheck(delegations: Command): void {
  delegations
    .command('check')
    .description(
      'ask Google for access in the name of a user, and say what the administrator has to enter; when nothing is missing, waiting accounts are tried again',
    )
    .argument('<name>')
    .argument('<email>', 'a user of its domains')
    .option(
      '--resources <resources>',
      `whose scopes are asked for, separated by commas (${RESOURCE_NAMES.join(', ')}), beside those that its accounts mirror; by default ${DEFAULT_RESOURCES.join(', ')}`,
      resourceList,
    )
    .option('--tenant <tenant>', 'whose accounts may use it', DEFAULT_TENANT)
    .option('--json', 'print {"clientId","scopes","missing","problem","resumed"}')
    .action((name: string, email: string, { resources, tenant, json }: CheckOptions) =>
      runWithStore(
        async (cli: Cli, store) => {
          const checked = await withGoogle(cli, store, (google) =>
            checkDelegation({ store, google }, { tenant, name, email, resources }),
          );
          if (json) await printJson(checked);
          else await print(checkWords(checked));
          return checked.problem === null && checked.missing.length === 0 ? 0 : 1;
        },
        ['master-key', 'google'],
      ),
    );
}

function addRemove(delegations: Command): void {
  delegations
    .command('remove')
    .description('erase the key of a delegation that no account uses')
    .argument('<name>')
    .option('--tenant <tenant>', 'whose accounts may use it', DEFAULT_TENANT)
    .option('--json', 'print {"tenant","name","removed"}')
    .action((name: string, { tenant, json }: { tenant: string; json?: true }) =>
      runWithStore(async (_cli, store) => {
        await removeDelegation({ store }, { tenant, name });
        if (json) await printJson({ tenant, name, removed: true });
        else printMessage('removed; delete the key in the Cloud console too');
        return 0;
      }),
    );
}

const NONE = 'no delegations; store one with: syncline delegations set NAME FILE --domain DOMAIN';

function enterWords({ clientId, scopes }: Pick<DelegationCheck, 'clientId' | 'scopes'>): string {
  return `In the Admin console (Security > Access and data control > API controls > Domain-wide delegation) enter\n  client id  ${clientId}\n  scopes     ${scopes.join(',')}`;
}

function checkWords(checked: DelegationCheck): string {
  const { missing, problem, resumed } = checked;
  if (problem !== null) return `Google refuses: ${problem}`;
  if (missing.length === 0)
    return `Google refuses nothing; ${counted(resumed, 'waiting account')} tried again`;
  const what =
    missing.length === checked.scopes.length
      ? 'The client is not allowed.'
      : `These scopes are missing: ${missing.join(', ')}`;
  return `${what}\n${enterWords(checked)}\nA change takes up to 24 hours.`;
}

function tableOf(delegations: readonly DelegationView[], nowMs: number): string {
  const titles = ['TENANT', 'NAME', 'DOMAINS', 'CLIENT ID', 'KEY', 'SET', 'ACCOUNTS'];
  return table(
    titles.map((title) => ({ title })),
    delegations.map((one) => [
      printable(one.tenant),
      printable(one.name),
      one.domains.map(printable).join(' '),
      one.clientId,
      printable(one.privateKeyId),
      when(one.updatedAt, nowMs),
      String(one.accounts),
    ]),
  ).join('\n');
}

/** @throws OperatorError when the file cannot be read, or is too long for a key file */
async function contentOf(file: string): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of file === '-' ? process.stdin : createReadStream(file)) {
      const piece = Buffer.from(chunk as Buffer | string);
      bytes += piece.length;
      if (bytes > FILE_LIMIT_BYTES)
        throw new OperatorError('The file is too long for the key file of a service account.');
      chunks.push(piece);
    }
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall !== undefined)
      throw new OperatorError(`${file} cannot be read (${code ?? 'unknown error'}).`);
    throw error;
  }
  return Buffer.concat(chunks).toString('utf8');
}

const NAME_LIMIT = 200;

function delegationName(text: string): string {
  if (
    text.trim() === text &&
    text.length > 0 &&
    text.length <= NAME_LIMIT &&
    printable(text) === text
  )
    return text;
  throw new InvalidArgumentError(
    `It must have 1 to ${NAME_LIMIT} characters, without control characters.`,
  );
}

function domainList(text: string): string[] {
  const domains = text.split(',').map((one) => one.trim().toLowerCase());
  if (domains.every((one) => /^[^\s@.]+(\.[^\s@.]+)+$/.test(one))) return domains;
  throw new InvalidArgumentError('It must be domains such as example.com, separated by commas.');
}

function resourceList(text: string): Resource[] {
  const names = text.split(',').map((one) => one.trim());
  const known = RESOURCE_NAMES.filter((name) => names.includes(name));
  if (known.length === new Set(names).size) return known;
  throw new InvalidArgumentError(
    `It must be resources separated by commas: ${RESOURCE_NAMES.join(', ')}.`,
  );
}
