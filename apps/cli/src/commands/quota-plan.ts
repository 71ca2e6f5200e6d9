import {
  fleetOf,
  planDocument,
  planQuota,
  type AskedPlan,
  type QuotaPlan,
} from '@syncline/control/quota-plan';
import { amount, duration } from '@syncline/control/words';
import type { Config } from '@syncline/runtime';
import { type Command, Option } from 'commander';
import { runPlain, wholeNumber } from '../command.js';
import { print, printJson } from '../output.js';
import { table } from '../terminal.js';

interface PlanOptions extends AskedPlan {
  tier?: 'new' | 'legacy';
  json?: true;
}

const MAILBOX_LIMIT = 100_000_000;

/**
 * `syncline quota plan`: computes what a fleet would cost and how long its onboarding would take,
 * with the limits and intervals of the environment.
 */
export function addQuotaPlan(quota: Command): void {
  quota
    .command('plan')
    .description(
      'what a fleet would cost of Google’s quota and how long its onboarding would take; sends no request',
    )
    .requiredOption('--accounts <n>', 'accounts to be connected', wholeNumber(1, MAILBOX_LIMIT))
    .requiredOption(
      '--messages <m>',
      'messages of a mailbox, on average',
      wholeNumber(0, MAILBOX_LIMIT),
    )
    .option('--threads <n>', 'messages of a thread, on average', averageLength, 1)
    .option('--calendars <n>', 'calendars of an account', wholeNumber(0, 10_000), 3)
    .option(
      '--contacts <n>',
      'contacts and other contacts of an account; omitted: contacts are not mirrored',
      wholeNumber(0, 1_000_000),
    )
    .option(
      '--projects <n>',
      'Google projects that the accounts are spread over',
      wholeNumber(1, 10_000),
      1,
    )
    .option('--daily <n>', 'new messages of an account a day', wholeNumber(0, 1_000_000), 50)
    .option(
      '--active-hours <n>',
      'hours of a day in which something changes in an account',
      wholeNumber(0, 24),
      8,
    )
    .option(
      '--within <days>',
      'days in which the onboarding shall be over',
      wholeNumber(1, 10_000),
      30,
    )
    .option('--no-watches', 'mailboxes are polled only')
    .addOption(
      new Option(
        '--bodies <kept>',
        'what is kept of bodies, instead of the environment’s MIRROR_BODIES; raw costs one more get a message',
      ).choices(['full', 'raw', 'text', 'none']),
    )
    .addOption(
      new Option(
        '--tier <tier>',
        'price list and user limit of the tier, instead of the environment’s',
      ).choices(['new', 'legacy']),
    )
    .option('--json', 'print one document')
    .action((options: PlanOptions, command: Command) =>
      runPlain((config) => showPlan(options, command, config)),
    );
}

async function showPlan(options: PlanOptions, command: Command, config: Config): Promise<number> {
  const planned = planQuota(config, fleetOf(options), options.tier);
  // `quota` also has the option, and commander assigns it to the outer command.
  if (options.json ?? command.optsWithGlobals<{ json?: true }>().json)
    await printJson(planDocument(planned));
  else await print(planText(planned));
  return 0;
}

function planText({
  fleet,
  quotas,
  plan: { onboarding, steady, projectsNeeded },
}: QuotaPlan): string {
  const right = (title: string): { title: string; align: 'right' } => ({ title, align: 'right' });
  const units = (value: number): string => `${amount(value)} units`;
  const onboardingRows = [
    ['a message', `${onboarding.unitsPerMessage.toFixed(2)} units`, ''],
    ['a mailbox', units(onboarding.unitsPerMailbox), timeOf(onboarding.mailboxSeconds)],
    [
      fleet.projects === 1 ? 'the fleet' : `the fleet, over ${fleet.projects} projects`,
      units(onboarding.unitsPerMailbox * fleet.accounts),
      onboarding.fleetSeconds === null ? 'never' : timeOf(onboarding.fleetSeconds),
    ],
    ['calendars of an account', `${amount(onboarding.calendarRequestsPerAccount)} requests`, ''],
    ...contactRows(fleet, onboarding),
  ];
  const { polls, changes, watches, audits, unitsPerAccountDay, unitsPerProjectDay } = steady;
  const { shareOfDay, peopleRequestsPerAccountDay } = steady;
  const steadyRows = [
    ['polls', polls],
    ['changes', changes],
    ['renewed watches', watches],
    ['audits', audits],
    ['together', unitsPerAccountDay],
    ['of a project', unitsPerProjectDay],
  ] as const;
  return [
    `Prices of the ${quotas.gmailTier} tier; limits a project: ${amount(quotas.gmailUnitsPerUserMinute)} units a minute for a user, ${amount(quotas.gmailUnitsPerProjectMinute)} a minute and ${amount(quotas.gmailUnitsPerProjectDay)} a day in all`,
    '',
    ...table([{ title: 'ONBOARDING' }, right('COSTS'), right('TAKES')], onboardingRows),
    `bound by the limit of a ${onboarding.boundBy}`,
    '',
    ...table(
      [{ title: 'EVERY DAY AFTERWARDS, AN ACCOUNT' }, right('UNITS')],
      steadyRows.map(([name, value]) => [name, amount(value)]),
    ),
    `${(100 * shareOfDay).toFixed(1)} % of a project's day`,
    ...(fleet.contactsPerAccount === null
      ? []
      : [`contacts: ${amount(peopleRequestsPerAccountDay)} requests of an account a day`]),
    '',
    `projects needed: ${projectsNeeded.forSteadyState} for incremental syncs, ${projectsNeeded.forOnboarding ?? 'no number suffices'} to be mirrored within ${fleet.withinDays} days`,
  ].join('\n');
}

/** The first pages of full syncs have a quota whose size Google does not publish. */
function contactRows(
  { contactsPerAccount, accounts }: QuotaPlan['fleet'],
  onboarding: QuotaPlan['plan']['onboarding'],
): string[][] {
  if (contactsPerAccount === null) return [];
  const { peopleRequestsPerAccount: requests, peopleFirstPagesPerAccount: first } = onboarding;
  return [
    [
      `contacts of an account (${first} first pages)`,
      `${amount(requests)} requests`,
      timeOf(onboarding.peopleSeconds),
    ],
    [
      'contacts of the fleet',
      `${amount(requests * accounts)} requests`,
      timeOf(onboarding.peopleFleetSeconds),
    ],
  ];
}

function timeOf(seconds: number): string {
  return seconds === 0 ? 'at once' : duration(seconds * 1_000);
}

function averageLength(text: string): number {
  const value = /^\d{1,4}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  return value >= 1 ? value : wholeNumber(1)(text);
}
