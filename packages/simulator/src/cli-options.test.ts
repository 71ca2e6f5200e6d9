import { readCommandLine } from './cli-options.js';

test('every flag sets its option', () => {
  const line =
    '--port 8080 --host 0.0.0.0 --seed 7 --accounts 3 --messages 40 --calendars 1 --events 5 --contacts 6 --thread-length 2 --body-bytes 900 --rate 2.5 --latency 20-80 --tier legacy --quota-scale 0.5 --no-quota --max-concurrent 9 --token-latency 1 --access-token-ttl 2 --refresh-token-ttl 3 --history-retention 4 --sync-token-retention 5 --tombstone-retention 6 --people-token-retention 8 --propagation-delay 9 --full-syncs 4 --fresh-lag 7 --scopes gmail.metadata,openid --short-pages --separate-grants --eml a --eml b --mbox c --ics d';
  expect(readCommandLine(line.split(' '))).toEqual({
    kind: 'run',
    options: {
      port: 8080,
      host: '0.0.0.0',
      seed: 7,
      accounts: 3,
      messagesPerAccount: 40,
      calendarsPerAccount: 1,
      eventsPerCalendar: 5,
      contactsPerAccount: 6,
      threadLength: 2,
      bodyBytes: 900,
      actionsPerSecond: 2.5,
      tokenLatencyMs: 1,
      accessTokenTtlMs: 2,
      refreshTokenTtlMs: 3,
      historyRetentionMs: 4,
      syncTokenRetentionMs: 5,
      tombstoneRetentionMs: 6,
      peopleTokenRetentionMs: 8,
      propagationDelayMs: 9,
      freshMessageLagMs: 7,
      scopes: ['gmail.metadata', 'openid'],
      shortCalendarPages: true,
      shortGmailPages: true,
      shortPeoplePages: true,
      separateGrants: true,
      latencyMs: [20, 80],
      emlDirectories: ['a', 'b'],
      mboxFiles: ['c'],
      icsDirectories: ['d'],
      quota: {
        enforce: false,
        tier: 'legacy',
        scale: 0.5,
        maxConcurrentPartsPerUser: 9,
        fullSyncsPerUserMinute: 4,
      },
    },
  });
});

test('without flags there are ten accounts of 300 messages, with quotas', () => {
  expect(readCommandLine([])).toMatchObject({
    kind: 'run',
    options: {
      accounts: 10,
      messagesPerAccount: 300,
      latencyMs: [0, 0],
      quota: { enforce: true, tier: 'new', scale: 1 },
    },
  });
});

test.each([
  [['--bogus'], /bogus/],
  [['--port', 'x'], /^--port wants a number/],
  [['--accounts', '0'], /at least 1, not "0"/],
  [['--tier', 'old'], /^--tier is new or legacy/],
  [['--latency', '80-20'], /^--latency wants/],
  [['stray'], /stray/],
  [['--quota-scale', '0'], /^--quota-scale/],
])('%j gives one clear error', (args, message) => {
  expect(readCommandLine(args)).toEqual({
    kind: 'mistake',
    message: expect.stringMatching(message),
  });
});

test('help is printed, whatever other flags are given', () => {
  expect(readCommandLine(['--help', '--accounts', '3'])).toEqual({ kind: 'help' });
});
