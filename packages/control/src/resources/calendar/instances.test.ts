import { storeFixture, type StoreFixture } from '../../../../../test/support/database.js';
import { listInstances, rangeProblem } from './instances.js';

const DAY_MS = 86_400_000;

test('a range that is empty or longer than a century cannot be listed', () => {
  expect(rangeProblem({ timeMinMs: 5, timeMaxMs: 5 })).toBe('empty');
  expect(rangeProblem({ timeMinMs: 0, timeMaxMs: 36_601 * DAY_MS })).toBe('too-long');
  expect(rangeProblem({ timeMinMs: 0, timeMaxMs: DAY_MS })).toBeNull();
});

describe('instances of a calendar', () => {
  let fixture: StoreFixture;
  beforeAll(async () => {
    fixture = await storeFixture();
    await fixture.database.pool.query(
      `INSERT INTO syncline.calendars (account_id, id, summary, time_zone, is_primary, resource)
       VALUES ($1, 'ada@example.com', 'Ada', 'UTC', true, '{}')`,
      [fixture.accountId],
    );
  });
  afterAll(() => fixture.close());

  const list = (calendarId: string): ReturnType<typeof listInstances> =>
    listInstances(
      fixture,
      { id: fixture.accountId },
      { calendarId, timeMinMs: 0, timeMaxMs: DAY_MS, limit: 10 },
    );

  it('are those of the primary calendar when it is named so', async () => {
    expect(await list('primary')).toEqual({
      kind: 'listed',
      calendarId: 'ada@example.com',
      events: [],
      complete: true,
    });
  });

  it('cannot be listed of a calendar that the account does not have', async () => {
    expect(await list('other@example.com')).toEqual({ kind: 'no-calendar' });
  });
});
