/**
 * The checks at the end: every mirror against the source, every feed against the rows, no
 * collection stuck, no quota exceeded.
 */
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { driftOf, differingFields } = require('../../apps/cli/dist/demo/compare.js');
const {
  differencesFromRows,
  emptyFold,
  foldInto,
  keyOf,
} = require('../../apps/cli/dist/demo/fold-feed.js');

const FEED_PAGE = 5_000;

export async function checkResult(store, google) {
  const result = {
    messages: 0,
    events: 0,
    changes: 0,
    missing: [],
    extra: [],
    stale: [],
    feed: [],
    stuck: [],
  };
  for (const account of await store.accounts.list()) {
    if (account.state !== 'active')
      result.stuck.push(`${account.email} is ${account.state}: ${account.reason}`);
    const [mirror, truth] = [
      await mirrorOf(store, account.id),
      await truthOf(google, account.email),
    ];
    result.messages += [...truth.keys()].filter((key) => key.startsWith('message ')).length;
    result.events += [...truth.keys()].filter((key) => key.startsWith('event ')).length;
    const drift = driftOf(truth, mirror);
    for (const kind of ['missing', 'extra'])
      result[kind].push(...drift[kind].map((key) => `${account.email} ${key}`));
    result.stale.push(
      ...drift.stale.map(
        (key) =>
          `${account.email} ${key}: ${differingFields(truth.get(key), mirror.get(key)).join(', ')}`,
      ),
    );
    const fold = emptyFold();
    for (
      let events;
      (events = await store.feed.changes(account.id, fold.seq, FEED_PAGE)).length > 0;
    ) {
      foldInto(fold, events);
      result.changes += events.length;
    }
    const calendars = (await store.mirror.calendarIds(account.id)).map((id) =>
      keyOf({ entity: 'calendar', id, calendarId: null }),
    );
    result.feed.push(
      ...differencesFromRows(fold, new Set([...mirror.keys(), ...calendars]), [
        'message',
        'event',
        'calendar',
      ]).map((what) => `${account.email}: ${what}`),
    );
  }
  return result;
}

async function mirrorOf(store, accountId) {
  const items = new Map();
  for await (const message of store.mirror.messages(accountId))
    items.set(keyOf({ entity: 'message', id: message.id, calendarId: null }), message);
  for await (const row of store.mirror.events(accountId))
    items.set(keyOf({ entity: 'event', id: row.event.id, calendarId: row.calendarId }), row);
  return items;
}

async function truthOf(google, email) {
  const items = new Map();
  for (const message of await google.truth(email, 'gmail'))
    items.set(keyOf({ entity: 'message', id: message.id, calendarId: null }), message);
  for (const row of await google.truth(email, 'calendar'))
    items.set(keyOf({ entity: 'event', id: row.event.id, calendarId: row.calendarId }), row);
  return items;
}
