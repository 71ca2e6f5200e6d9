import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { NO_DRIFT } from '../support/drift.js';
import { startWorld, type World } from '../support/world.js';

/*
 * Mail and calendars as they come: the repository's own fixtures always, and the collection of real files (290 mails and 164 calendars
 * of other projects' test suites) where CORPUS_DIR, or a folder shared/corpus beside the checkout, has it. CI insists that it is there.
 * The simulator's ground truth is worked out from the files by its own code, which shares nothing with the engine's.
 */

const FIXTURES = path.resolve(__dirname, '../fixtures');
const CORPUS = process.env['CORPUS_DIR'] ?? path.resolve(__dirname, '../../../shared/corpus');
const folders = [FIXTURES, ...(existsSync(CORPUS) ? [CORPUS] : [])];

let world: World;
afterEach(() => world.close());

test.each(
  folders.flatMap((folder) => [
    { folder, bodyCharset: 'declared' as const },
    { folder, bodyCharset: 'utf-8' as const },
  ]),
)(
  'every mail and every calendar of $folder is mirrored field by field, its text given as $bodyCharset',
  async ({ folder, bodyCharset }) => {
    const mails = readdirSync(path.join(folder, 'eml')).length;
    world = await startWorld({
      seed: 31,
      accounts: 1,
      messagesPerAccount: 0,
      eventsPerCalendar: 0,
      bodyCharset,
      emlDirectories: [path.join(folder, 'eml')],
      icsDirectories: [path.join(folder, 'ics')],
    });
    await world.catchUp();
    const drift = await world.drift();
    expect(drift).toMatchObject(NO_DRIFT);
    expect(drift.checked.messages).toBe(mails);
    expect(drift.checked.events).toBeGreaterThanOrEqual(folder === FIXTURES ? 5 : 150);
    expect(
      (await world.database.pool.query('SELECT * FROM syncline.quarantined_items')).rows,
    ).toEqual([]);
  },
);

test('the real files exist in CI', () => {
  world = { close: async () => undefined } as World;
  expect(process.env['CI'] !== 'true' || existsSync(CORPUS)).toBe(true);
});
