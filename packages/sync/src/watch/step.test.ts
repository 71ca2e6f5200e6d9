import type { HeldWatch } from '@syncline/store';
import { DAY_MS } from './schedule.js';
import { stepOf, targetOf } from './step.js';

const TARGET = 'projects/p/topics/t';
const held = (over: Partial<HeldWatch> = {}): HeldWatch => ({
  collectionId: '00000000-0000-4000-8000-000000000000',
  accountId: 'a',
  email: 'ada@example.com',
  project: 'default',
  grant: { number: 0, version: 0, verified: true, identityId: null, shared: false },
  epoch: 1n,
  kind: 'gmail',
  externalId: 'mailbox',
  active: true,
  callable: true,
  state: 'on',
  target: TARGET,
  address: 'ada@example.com',
  watchedAgoMs: 1_000,
  expiresInMs: 7 * DAY_MS - 1_000,
  silent: false,
  silences: 0,
  failures: 0,
  channels: [],
  shared: false,
  ...over,
});
const channel = { id: 'c', resourceId: 'r', superseded: false, expired: false, isOldKey: false };

test.each<[string, Partial<HeldWatch>, object]>([
  [
    'one that was never made',
    { state: 'requested', target: null, watchedAgoMs: null, expiresInMs: null },
    { kind: 'watch', forSilence: false },
  ],
  [
    'one on its seventh day',
    { watchedAgoMs: 6.1 * DAY_MS, expiresInMs: 0.9 * DAY_MS },
    { kind: 'watch', forSilence: false },
  ],
  [
    'one that has ended',
    { watchedAgoMs: 8 * DAY_MS, expiresInMs: -DAY_MS },
    { kind: 'watch', forSilence: false },
  ],
  ['one that is silent', { silent: true }, { kind: 'watch', forSilence: true }],
  [
    'one whose channel carries a token of the old master key',
    { kind: 'calendar-list', channels: [{ ...channel, isOldKey: true }] },
    { kind: 'watch', forSilence: false },
  ],
  [
    'one on another topic',
    { target: 'projects/p/topics/old' },
    { kind: 'watch', forSilence: false },
  ],
  [
    'a calendar that had no notification a month ago',
    { kind: 'calendar-events', state: 'unwatchable', address: null },
    { kind: 'watch' },
  ],
])('made: %s', (_what, over, step) => {
  expect(stepOf(held(over), TARGET)).toMatchObject({ target: TARGET, ...step });
});

test('one in force waits until its own hour', () => {
  const step = stepOf(held(), TARGET);
  expect(step).toMatchObject({ kind: 'waiting', state: 'on' });
  expect(stepOf(held({ watchedAgoMs: DAY_MS, expiresInMs: 6 * DAY_MS }), TARGET)).toMatchObject({
    nextInMs: (step as { nextInMs: number }).nextInMs - DAY_MS + 1_000,
  });
});

test('the watch of a paused account, or of a topic that is no longer configured, is stopped at Google once', () => {
  expect(stepOf(held({ active: false }), TARGET)).toEqual({ kind: 'stop' });
  expect(stepOf(held(), null)).toEqual({ kind: 'stop' });
  expect(stepOf(held({ state: 'refused' }), null)).toEqual({ kind: 'stop' });
  expect(stepOf(held({ active: false, state: 'off' }), TARGET)).toMatchObject({
    kind: 'waiting',
    state: 'off',
  });
  expect(stepOf(held({ active: false, state: 'requested', address: null }), TARGET)).toMatchObject({
    kind: 'waiting',
    state: 'off',
  });
  expect(
    stepOf(held({ active: false, kind: 'calendar-list', channels: [channel] }), TARGET),
  ).toEqual({ kind: 'stop' });
  expect(stepOf(held({ active: false, kind: 'calendar-list' }), TARGET)).toMatchObject({
    kind: 'waiting',
  });
});

test('without a grant nothing is asked, whatever is due', () => {
  expect(stepOf(held({ callable: false, active: false, silent: true }), TARGET)).toMatchObject({
    kind: 'waiting',
    state: 'on',
  });
});

test('mailboxes are watched at the topic, calendars and their list at the address', () => {
  const targets = { topic: TARGET, channelAddress: 'https://x.example/push/calendar' };
  expect([
    targetOf({ kind: 'gmail', project: 'default' }, targets),
    targetOf({ kind: 'calendar-list', project: 'default' }, targets),
    targetOf({ kind: 'calendar-events', project: 'default' }, targets),
  ]).toEqual([TARGET, targets.channelAddress, targets.channelAddress]);
  expect([
    targetOf({ kind: 'gmail', project: 'default' }, undefined),
    targetOf({ kind: 'calendar-events', project: 'default' }, { ...targets, channelAddress: null }),
  ]).toEqual([null, null]);
});

test('a mailbox is watched at its own project’s topic, and one of a project without a topic is polled', () => {
  const targets = {
    topic: TARGET,
    projectTopics: { b: 'projects/b/topics/t' },
    channelAddress: 'https://sync.example.com/push/calendar',
  };
  const mailboxOf = (project: string): string | null =>
    targetOf({ kind: 'gmail', project }, targets);
  expect([
    mailboxOf('default'),
    mailboxOf('b'),
    mailboxOf('c'),
    targetOf({ kind: 'gmail', project: 'default' }, undefined),
  ]).toEqual([TARGET, 'projects/b/topics/t', null, null]);
  expect(targetOf({ kind: 'calendar-events', project: 'c' }, targets)).toBe(targets.channelAddress);
});
