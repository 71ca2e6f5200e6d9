import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { redisUrl, testDatabase, type TestDatabase } from '../support/database.js';
import { exited, startProgram, stopAll } from '../support/processes.js';

/* `syncline instances`: the one way for users of SQL to see a series' occurrences. It reads the mirror and asks Google nothing. */

let database: TestDatabase;
let env: Record<string, string>;

beforeAll(async () => {
  database = await testDatabase();
  env = {
    DATABASE_URL: database.url,
    REDIS_URL: redisUrl(),
    SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
  };
  const directory = mkdtempSync(path.join(tmpdir(), 'syncline-instances-'));
  writeFileSync(
    path.join(directory, 'accounts.ndjson'),
    JSON.stringify({ email: 'a@example.com', refreshToken: 'secret' }),
  );
  const imported = await cli('accounts', 'import', path.join(directory, 'accounts.ndjson'));
  rmSync(directory, { recursive: true, force: true });
  if (imported.code !== 0) throw new Error(imported.stderr);
  const weekly = {
    id: 'weekly',
    status: 'confirmed',
    summary: 'Weekly',
    start: { dateTime: '2026-03-23T09:00:00+01:00', timeZone: 'Europe/Berlin' },
    end: { dateTime: '2026-03-23T10:00:00+01:00', timeZone: 'Europe/Berlin' },
    recurrence: ['RRULE:FREQ=WEEKLY'],
  };
  const single = {
    id: 'single',
    status: 'confirmed',
    start: { date: '2026-03-25' },
    end: { date: '2026-03-26' },
  };
  await database.pool.query(
    `INSERT INTO syncline.calendars (account_id, id, time_zone, is_primary, resource) SELECT id, 'a@example.com', 'Europe/Berlin', true, '{}' FROM syncline.accounts`,
  );
  for (const event of [weekly, single]) {
    await database.pool.query(
      `INSERT INTO syncline.calendar_events (account_id, calendar_id, id, status, is_recurring, start_date, end_date, resource)
       SELECT id, 'a@example.com', $1, 'confirmed', $2, $3::date, $4::date, $5::jsonb FROM syncline.accounts`,
      [
        event.id,
        'recurrence' in event,
        event.id === 'single' ? '2026-03-25' : null,
        event.id === 'single' ? '2026-03-26' : null,
        JSON.stringify(event),
      ],
    );
  }
});
afterAll(async () => {
  await stopAll();
  await database.drop();
});

const cli = (...args: string[]): ReturnType<typeof exited> =>
  exited(startProgram('cli', env, args));
const instances = (...args: string[]): ReturnType<typeof exited> =>
  cli(
    'instances',
    'a@example.com',
    '--calendar',
    'primary',
    '--from',
    '2026-03-23',
    '--to',
    '2026-04-07',
    ...args,
  );
const idsOf = (stdout: string): string[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { event: { id: string } }).event.id);

test('a series is expanded over a change of daylight saving, with single events among its occurrences', async () => {
  const { code, stdout } = await instances('--json');
  expect([code, idsOf(stdout)]).toEqual([
    0,
    ['weekly_20260323T080000Z', 'single', 'weekly_20260330T070000Z', 'weekly_20260406T070000Z'],
  ]);
});

test('an exceeded limit is reported with exit 1; an unknown calendar, an empty range and a time without offset are reported', async () => {
  const cut = await instances('--limit', '2');
  expect([cut.code, idsOf(cut.stdout)]).toEqual([1, ['weekly_20260323T080000Z', 'single']]);
  expect(cut.stderr).toContain('more than 2');
  const unknown = await cli(
    'instances',
    'a@example.com',
    '--calendar',
    'nowhere',
    '--from',
    '2026-03-23',
    '--to',
    '2026-04-07',
  );
  expect([unknown.code, unknown.stderr]).toEqual([
    1,
    expect.stringContaining('no calendar of that id'),
  ]);
  expect(
    (
      await cli(
        'instances',
        'a@example.com',
        '--calendar',
        'primary',
        '--from',
        '2026-04-07',
        '--to',
        '2026-04-07',
      )
    ).code,
  ).toBe(2);
  expect(
    (
      await cli(
        'instances',
        'a@example.com',
        '--calendar',
        'primary',
        '--from',
        '2026-04-07T10:00:00',
        '--to',
        '2026-04-08',
      )
    ).code,
  ).toBe(2);
});

test.each([
  [['--from', '1950-01-01', '--to', '2051-01-01'], '100 years at most'],
  [['--from', '2026-01-01', '--to', '2026-02-01', '--limit', '100001'], 'from 1 to 100000'],
])('a range or a limit above its bound is a usage error: %j', async (bounds, says) => {
  const { code, stdout, stderr } = await cli(
    'instances',
    'a@example.com',
    '--calendar',
    'primary',
    ...bounds,
  );
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toContain(says);
});
