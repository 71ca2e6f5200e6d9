import { NO_DRIFT } from '../support/drift.js';
import { startWorld } from '../support/world.js';

test('a message that is listed before it is readable is not lost when it arrives just before the first full sync', async () => {
  const world = await startWorld({
    messagesPerAccount: 3,
    calendarsPerAccount: 1,
    eventsPerCalendar: 1,
    freshMessageLagMs: 1_500,
  });
  try {
    world.simulator.act('user1@demo.example', { action: 'deliver' });
    await world.catchUp();
    expect(await world.drift()).toMatchObject(NO_DRIFT);
  } finally {
    await world.close();
  }
});
