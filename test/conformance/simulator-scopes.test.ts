/** Which scopes each method accepts, against Google's discovery documents where they are at hand, and against Google's own words for a few. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ACCEPTED } from '../../packages/simulator/src/scopes.js';

const DIRECTORY =
  process.env['DISCOVERY_DIR'] ??
  path.resolve(__dirname, '..', '..', '..', 'shared', 'google-discovery');
const PREFIX = 'https://www.googleapis.com/auth/';

interface Resource {
  methods?: Record<string, { id: string; scopes?: string[] }>;
  resources?: Record<string, Resource>;
}

/** Method → scopes, by the names that the simulator uses. */
function declared(file: string, prefix: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const visit = (resource: Resource): void => {
    for (const method of Object.values(resource.methods ?? {}))
      found.set(method.id.slice(prefix.length), method.scopes ?? []);
    for (const inner of Object.values(resource.resources ?? {})) visit(inner);
  };
  visit(JSON.parse(readFileSync(path.join(DIRECTORY, file), 'utf8')) as Resource);
  return found;
}

test('methods accept what the discovery documents say', () => {
  const known = existsSync(path.join(DIRECTORY, 'gmail-v1.json'))
    ? new Map([
        ...declared('gmail-v1.json', 'gmail.users.'),
        ...declared('calendar-v3.json', 'calendar.'),
      ])
    : new Map<string, string[]>();
  // Add-ons act on the message that is open, and channels.stop serves resources that are not simulated.
  const outside = /gmail\.addons|calendar\.acls|calendar\.settings/;
  const differing = Object.entries(ACCEPTED).filter(([method, scopes]) => {
    const expected = known.get(method)?.filter((scope) => !outside.test(scope));
    return (
      known.size > 0 && JSON.stringify(expected?.toSorted()) !== JSON.stringify([...scopes].sort())
    );
  });
  expect(differing.map(([method]) => method)).toEqual([]);
  expect(ACCEPTED['messages.attachments.get']).not.toContain(`${PREFIX}gmail.metadata`);
  expect(ACCEPTED['calendarList.list']).toContain(`${PREFIX}calendar.calendarlist.readonly`);
});
