import { NO_DRIFT } from '../support/drift.js';
import { startWorld } from '../support/world.js';

/*
 * A listing that rested for too long finds its page token refused. The sync position is still good:
 * the listing begins again from it.
 */

test.each([
  ['gmail', `jsonb_set(cursor, '{listing}', '{"pageToken": "forgotten", "until": "1"}')`],
  ['calendar-list', `jsonb_set(cursor, '{pageToken}', '"forgotten"')`],
  ['calendar-events', `jsonb_set(cursor, '{pageToken}', '"forgotten"')`],
])(
  'a page token that expires during an incremental listing (%s) begins the listing again',
  async (kind, withDeadToken) => {
    const world = await startWorld({
      messagesPerAccount: 3,
      calendarsPerAccount: 1,
      eventsPerCalendar: 2,
    });
    try {
      await world.catchUp();
      world.simulator.actAtRandom(20);
      await world.database.pool.query(
        `UPDATE syncline.collections SET cursor = ${withDeadToken} WHERE kind = $1`,
        [kind],
      );
      await world.catchUp();
      expect(await world.drift()).toMatchObject(NO_DRIFT);
      expect(
        (
          await world.database.pool.query<{ generation: number }>(
            'SELECT generation FROM syncline.collections WHERE kind = $1',
            [kind],
          )
        ).rows[0]?.generation,
      ).toBe(1);
    } finally {
      await world.close();
    }
  },
);
