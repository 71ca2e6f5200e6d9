import path from 'node:path';
import type { Account } from '@syncline/client';
import { accountsPage } from '../../examples/inbox/src/pages.js';
import { startApi, type ApiWorld } from '../support/api-world.js';
import { connectParts } from '../support/connect-parts.js';
import { lineOf, startNode, stopAll } from '../support/processes.js';
import { startWorld, type World } from '../support/world.js';

/* examples/inbox as a process of its own, over the API of a mirrored account. */

const ROOT = path.resolve(__dirname, '../..');
const HOSTILE = `<script>alert(1)</script>"'&<img src=x onerror=alert(2)>`;

let world: World;
let api: ApiWorld;
let connect: ReturnType<typeof connectParts>;
let origin: string;
let id: string;

beforeAll(async () => {
  world = await startWorld({
    seed: 8_041,
    accounts: 1,
    messagesPerAccount: 150,
    calendarsPerAccount: 1,
    eventsPerCalendar: 12,
  });
  await world.catchUp();
  const address = { url: '' };
  connect = connectParts(address, { apiUrl: world.simulator.url });
  api = await startApi({ on: world, google: world.google, connect });
  address.url = api.origin;
  const child = startNode([path.join(ROOT, 'examples/inbox/dist/main.js')], {
    SYNCLINE_API_URL: api.origin,
    SYNCLINE_API_KEY: await api.key(),
    PORT: '0',
  });
  origin = (JSON.parse(await lineOf(child, (line) => line.includes('"ready"'))) as { url: string })
    .url;
  const { rows } = await world.database.pool.query<{ id: string }>(
    'SELECT id FROM syncline.accounts',
  );
  id = rows[0]!.id;
});
afterAll(async () => {
  await stopAll();
  await api.close();
  await connect.consent.close();
  await world.close();
});

async function page(at: string, status = 200): Promise<string> {
  const answer = await fetch(`${origin}${at}`);
  expect([at, answer.status]).toEqual([at, status]);
  expect(answer.headers.get('content-security-policy')).toMatch(
    /^default-src 'none'; script-src 'self';.*form-action 'self' http:\/\/127\.0\.0\.1:\d+;/,
  );
  return answer.text();
}

const EVENT = { summary: HOSTILE, location: HOSTILE };

async function receive(messageId: string): Promise<void> {
  await world.database.pool.query(
    `WITH account AS (UPDATE syncline.accounts SET feed_seq = feed_seq + 1 RETURNING id, feed_seq),
          message AS (INSERT INTO syncline.gmail_messages (account_id, id, thread_id, history_id, label_ids, internal_date, snippet, subject, from_header, to_header, resource)
            SELECT id, $1, $1, 1, '{INBOX,UNREAD}', now(), $2, $2, $2, $2, '{}' FROM account),
          body AS (INSERT INTO syncline.gmail_bodies (account_id, message_id, text_plain, text_html) SELECT id, $1, $2, $2 FROM account)
     INSERT INTO syncline.changes (account_id, seq, entity, entity_id, op) SELECT id, feed_seq, 'message', $1, 'created' FROM account`,
    [messageId, HOSTILE],
  );
}

test('the pages show the accounts, an inbox with its messages, and an agenda', async () => {
  expect(await page('/')).toContain(`href="/accounts/${id}"`);
  const inbox = await page(`/accounts/${id}`);
  expect(inbox.match(/<li class="(?:un)?read">/g)?.length).toBe(30);
  expect(inbox).toMatch(/As of <time>\d{4}-/);
  expect(inbox).toContain('<h2 id="agenda">Agenda</h2>');
  const older = /href="(\/accounts\/[^"]+\?cursor=[^"]+)"/.exec(inbox)?.[1];
  expect(await page(String(older))).toMatch(/<li class="(?:un)?read">/);
  const [, message] = /href="(\/accounts\/[^"]+\/messages\/[^"]+)"/.exec(inbox) ?? [];
  expect(await page(String(message))).toContain('<dt>From</dt>');
  await page(`/accounts/${id}/messages/none`, 404);
  await page(`/accounts/nobody`, 404);
});

test('accounts are in the order of their addresses, and say what they need', () => {
  const account = (number: number, state: Account['state']): Account =>
    ({ id: `id${number}`, email: `user${number}@demo.example`, state }) as Account;
  const { text } = accountsPage([account(10, 'reauth_required'), account(2, 'active')]);
  expect(text.match(/user\d+/g)).toEqual(['user2', 'user10']);
  expect(text).toContain('needs your permission again');
  expect(text).toContain('action="/accounts/id10/connect"');
});

test('an open page hears of a change, and what a stranger wrote is text', async () => {
  const closing = new AbortController();
  const live = await fetch(`${origin}/accounts/${id}/live`, { signal: closing.signal });
  const reader = live.body!.pipeThrough(new TextDecoderStream()).getReader();
  await world.database.pool.query(
    `UPDATE syncline.calendar_events SET start_at = now() + interval '1 hour', end_at = now() + interval '2 hours', is_recurring = false, status = 'confirmed',
            resource = resource - 'recurrence' || jsonb_build_object('status', 'confirmed', 'start', jsonb_build_object('dateTime', to_char(now() + interval '1 hour', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')), 'end', jsonb_build_object('dateTime', to_char(now() + interval '2 hours', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))) || $1`,
    [EVENT],
  );
  const listening = (async () => {
    for (let text = ''; ;) {
      text += (await reader.read()).value ?? '';
      if (text.includes('data: changed\n\n')) return;
    }
  })();
  // The feed is followed from its end when the page opens; until then a change is in the page.
  let received = 0;
  const receiving = setInterval(() => void receive(`hostile${(received += 1)}`), 300);
  await listening;
  clearInterval(receiving);
  closing.abort();
  const [inbox, part, message] = await Promise.all([
    page(`/accounts/${id}`),
    page(`/accounts/${id}?part=1`),
    page(`/accounts/${id}/messages/hostile1`),
  ]);
  for (const html of [inbox, part, message]) {
    expect(html).toContain('&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;&#60;img');
    expect(html).not.toMatch(/<script>|<img|onerror=alert\(2\)>/);
  }
  expect(inbox.slice(inbox.indexOf('id="agenda"'))).toContain('&#60;script&#62;');
  expect(part).not.toContain('<html');
});

test('a person is led to the connect page of another account, or of the same one again', async () => {
  const led = async (at: string): Promise<{ link: string; shown: string }> => {
    const answer = await fetch(`${origin}${at}`, { method: 'POST', redirect: 'manual' });
    const link = answer.headers.get('location') ?? '';
    expect([answer.status, link]).toEqual([303, expect.stringMatching(`^${api.origin}/connect/`)]);
    return { link, shown: await (await fetch(link)).text() };
  };
  const another = await led('/connect');
  expect(another.shown).toContain('Connect Google to Acme');
  const again = await led(`/accounts/${id}/connect`);
  expect(again.shown).toContain('needs your permission again');
  const back = ({ shown }: { shown: string }): Promise<string> =>
    page(`/connected?connect=${/<code>(cs_[0-9a-f]{32})</.exec(shown)?.[1]}&result=connected`);
  expect(await back(another)).toContain('Not connected');
  expect(await back(another)).toContain('action="/connect"');
  expect(await back(again)).toContain(`action="/accounts/${id}/connect"`);
});
