/** Which scopes each method accepts, against Google's discovery documents where they are at hand, against googleapis' types for People, and against Google's own words for a few. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ACCEPTED } from '../../packages/simulator/src/scopes.js';

const DIRECTORY =
  process.env['DISCOVERY_DIR'] ??
  path.resolve(__dirname, '..', '..', '..', 'shared', 'google-discovery');
/** The examples in the types name the scopes of each method. */
const PEOPLE_TYPES = path.resolve(
  __dirname,
  '../../node_modules/googleapis/build/src/apis/people/v1.d.ts',
);
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

/** Method → scopes of People. */
function exampled(): Map<string, string[]> {
  const text = readFileSync(PEOPLE_TYPES, 'utf8');
  const found = new Map<string, string[]>();
  for (const [, list = '', call = ''] of text.matchAll(
    /scopes: \[([^\]]*)\](?:(?!scopes: \[)[^])*?await people\.([\w.]+)\(/g,
  ))
    found.set(
      call,
      [...list.matchAll(/'([^']+)'/g)].map(([, scope = '']) => scope),
    );
  return found;
}

test('methods of People accept what their examples ask for, apart from the scopes of profiles', () => {
  const profiles = /directory|\/user(?:info)?\./;
  const known = exampled();
  const methods = Object.entries(ACCEPTED).filter(([method]) =>
    /^(?:people|otherContacts|contactGroups)\./.test(method),
  );
  expect(methods).toHaveLength(7);
  for (const [method, scopes] of methods) {
    const isPerson = method === 'people.get' || method === 'people.getBatchGet';
    const call = isPerson ? `people.${method.slice('people.'.length)}` : method;
    const expected = (known.get(call) ?? known.get(`people.${method}`) ?? []).filter(
      // Other contacts are no people that have a name of their own here.
      (scope) => !profiles.test(scope) && !(isPerson && scope.endsWith('contacts.other.readonly')),
    );
    expect([method, expected.toSorted()]).toEqual([method, [...scopes].sort()]);
  }
});

test('methods accept what the discovery documents say', () => {
  const known = existsSync(path.join(DIRECTORY, 'gmail-v1.json'))
    ? new Map([
        ...declared('gmail-v1.json', 'gmail.users.'),
        ...declared('calendar-v3.json', 'calendar.'),
      ])
    : new Map<string, string[]>();
  // Add-ons act on the message that is open, and channels.stop serves resources that are not simulated.
  const outside = /gmail\.addons|calendar\.acls|calendar\.settings/;
  const isPeople = /^(?:people|otherContacts|contactGroups)\./;
  const differing = Object.entries(ACCEPTED).filter(([method, scopes]) => {
    if (isPeople.test(method)) return false;
    const expected = known.get(method)?.filter((scope) => !outside.test(scope));
    return (
      known.size > 0 && JSON.stringify(expected?.toSorted()) !== JSON.stringify([...scopes].sort())
    );
  });
  expect(differing.map(([method]) => method)).toEqual([]);
  expect(ACCEPTED['messages.attachments.get']).not.toContain(`${PREFIX}gmail.metadata`);
  expect(ACCEPTED['calendarList.list']).toContain(`${PREFIX}calendar.calendarlist.readonly`);
});
