import type { SpentToday } from '@syncline/store';
import {
  type FullSync,
  type Usage,
  quotaReport,
} from '../../../packages/control/src/quota/report.js';
import { quotaText } from './quota-text.js';
import { day, free, fullSync, spent, usageWith } from '../../../test/support/quota-figures.js';

function textOf(
  entries: readonly SpentToday[],
  minute: Usage | null,
  fullSyncs: readonly FullSync[],
): string {
  return quotaText(quotaReport(entries, minute, fullSyncs));
}

test('the full syncs in progress are shown with the end of the last one', () => {
  expect(textOf([], null, [fullSync(90)])).toContain(
    'Full syncs in progress, the last ends in 1 min 30 s',
  );
});

test.each([
  [{ ...day }, 'bulk calls may use up to 950 now'],
  [{ ...day, used: 950 }, 'bulk calls wait until later in the day; incremental syncs continue'],
  [
    { ...day, used: 980 },
    'bulk and onboarding calls wait until later in the day; incremental syncs continue',
  ],
  [{ ...day, used: 2_000 }, 'bulk and onboarding calls wait, for 1 h; incremental syncs continue'],
])('the state of the day: %j', (spentDay, words) => {
  expect(textOf([], { default: usageWith({ day: spentDay }) }, [])).toContain(words);
});

test('each project has its lines, and a refusal of Google is shown', () => {
  const text = textOf(
    spent,
    {
      default: usageWith({}),
      b: usageWith({ project: { ...free, closedForMs: 30_000, pacePercent: 75 } }),
    },
    [],
  );
  expect(text).toContain('The project default');
  expect(text).toContain('The project b');
  expect(text).toContain('closed by Google for 30 s; slowed to 75 % after a refusal');
});

test('without Redis everything else is shown', () => {
  expect(textOf(spent, null, [])).toContain('This minute: unknown, Redis does not answer');
});

test('prints the tenant of an account and the minute window of its Google identity', () => {
  const minute = usageWith({ users: { i1: { ...free, used: 5_999, limit: 6_000 } } });
  expect(textOf(spent, { default: minute }, [])).toMatch(
    /ada@example\.com +one +60 +2 +0 +5,999\/6,000/,
  );
});

test.each(['constructor', 'toString', '__proto__'])(
  'a project or a user called %s, which is not configured any more, is unknown',
  (word) => {
    const account = { ...spent[0], project: word, identityId: word } as SpentToday;
    expect(textOf([account], { default: usageWith({}) }, [])).toContain('?');
    expect(textOf([{ ...account, project: 'default' }], { default: usageWith({}) }, [])).toContain(
      '?',
    );
  },
);
