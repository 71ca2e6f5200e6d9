/**
 * End users connect their accounts in a real browser against the simulated Google.
 *
 * @needs chromium
 */
import { CONNECT_OUTCOMES, type ConnectOutcome } from '@syncline/contract/connect-outcomes';
import { finishRemovals } from '@syncline/sync';
import { expireConnectSessions } from '../../packages/control/src/connect/expiry.js';
import {
  chooseAccount,
  fitsWidth,
  isStyled,
  openBrowser,
  startCustomerSite,
  tick,
  violationsOf,
  type Browser,
  type CustomerSite,
  type Page,
} from '../support/connect-browser.js';
import { SCOPES, startConnectWorld, type ConnectWorld } from '../support/connect-world.js';
import { NO_DRIFT } from '../support/drift.js';

let connect: ConnectWorld;
let browser: Browser;
let site: CustomerSite;
let ada: string;
let eve: string;
let mallory: string;
/** Pages of the person of the running test. */
const opened: Page[] = [];

beforeAll(async () => {
  [connect, browser, site] = await Promise.all([
    startConnectWorld(1_601, 4),
    openBrowser(),
    startCustomerSite(),
  ]);
  [ada = '', eve = '', mallory = ''] = connect.people;
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((page) => page.context().close()));
  connect.register();
  await connect.world.control.clearFaults();
});
afterAll(async () => {
  await browser.close();
  await Promise.all([connect.close(), site.close()]);
});

/** A person with a browser of their own. */
async function person(options: Parameters<Browser['newContext']>[0] = {}): Promise<Page> {
  const page = await (await browser.newContext(options)).newPage();
  opened.push(page);
  return page;
}

const heading = (page: Page): Promise<string> =>
  page.getByRole('heading', { level: 1 }).innerText();
const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name }).click();

/** Opens a link and goes to Google's page. */
async function toGoogle(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await press(page, 'Continue with Google');
}

const scopesOf = (...names: (keyof typeof SCOPES)[]): string[] => names.map((name) => SCOPES[name]);
const events = (id: string): Promise<{ op: string }[]> =>
  connect.rows(
    "SELECT op FROM syncline.changes WHERE account_id = $1 AND entity = 'account' ORDER BY seq",
    [id],
  );

describe('C7: connecting', () => {
  test('a first connect by keyboard alone ends where the customer said, and the account is mirrored', async () => {
    const { id, url } = await connect.link({ ref: 'user_1', returnTo: `${site.origin}/settings` });
    const page = await person();
    const addresses: string[] = [];
    page.on('request', (request) => addresses.push(request.url()));
    await page.goto(url);
    expect(await heading(page)).toBe('Connect Google to Acme');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL(/o\/oauth2/);
    await chooseAccount(page, ada);
    await tick(page, 'all');
    await page.waitForURL(`${site.origin}/settings?connect=${id}&result=connected`);
    const session = await connect.session(id);
    expect(session).toMatchObject({ state: 'connected', outcome: 'connected', problem: null });
    await connect.world.catchUp();
    expect(await connect.world.drift()).toMatchObject(NO_DRIFT);
    const shown = (await connect.send('GET', `/v1/accounts/${session.accountId}`)).json;
    expect(shown).toMatchObject({
      email: ada,
      tenant: 'acme',
      state: 'active',
      lastConnect: { outcome: 'connected' },
    });
    // The code and the state are in no address but the callback's own.
    const callback = addresses.find((address) => address.includes('/connect/callback')) ?? '';
    const { code, state } = Object.fromEntries(new URL(callback).searchParams);
    const others = addresses.filter((address) => address !== callback);
    expect(others.some((address) => address.includes(String(code)))).toBe(false);
    expect(
      others
        .filter((address) => address.includes(String(state)))
        .map((address) => new URL(address).pathname),
    ).toEqual(['/o/oauth2/v2/auth']);
    // The same link again, in this browser and in another one.
    await page.goto(url);
    expect(await heading(page)).toBe('Your Google account is connected');
    const other = await person();
    expect((await other.goto(url))?.status()).toBe(410);
    expect(await heading(other)).toBe('This link has already been used');
  });

  test('a part is ticked: it is connected, and one click asks for the missing part', async () => {
    const { id, url } = await connect.link({ returnTo: `${site.origin}/` });
    const page = await person();
    await toGoogle(page, url);
    await chooseAccount(page, eve);
    await tick(page, scopesOf('calendar'));
    expect(await heading(page)).toBe('Connected, but something is missing');
    expect(await page.getByRole('listitem').allInnerTexts()).toEqual(['Mail']);
    expect(await connect.session(id)).toMatchObject({
      state: 'connected',
      outcome: 'partly-granted',
      problem: { type: 'urn:syncline:problem:scopes-missing', resources: ['gmail'] },
    });
    await press(page, 'Allow the rest');
    await tick(page, 'all');
    await page.waitForURL(/result=connected/);
    const { accountId } = await connect.session(id);
    const [account] = await connect.rows<{ resources: string[] }>(
      'SELECT resources FROM syncline.accounts WHERE id = $1',
      [accountId],
    );
    expect(account?.resources).toEqual(['calendar', 'gmail']);
    expect((await events(String(accountId))).map(({ op }) => op)).toContain('updated');
  });

  test('a link for less than the account has: the next attempt asks for all of it', async () => {
    const { id, url } = await connect.link({
      tenant: 'initech',
      resources: ['contacts'],
      returnTo: `${site.origin}/`,
    });
    const { url: first } = await connect.link({ tenant: 'initech', returnTo: `${site.origin}/` });
    const page = await person();
    connect.world.simulator.scriptConsent({ email: eve });
    await toGoogle(page, first);
    await page.waitForURL(/result=connected/);
    await toGoogle(page, url);
    await chooseAccount(page, eve);
    await tick(page, 'all');
    expect(await heading(page)).toBe('More boxes are needed');
    expect(await page.getByRole('listitem').allInnerTexts()).toEqual(['Mail', 'Calendar']);
    await press(page, 'Ask Google again');
    await chooseAccount(page, eve);
    await tick(page, 'all');
    await page.waitForURL(`${site.origin}/?connect=${id}&result=connected`);
  });

  test('nothing ticked, then cancelled, then connected, with one link', async () => {
    const before = await connect.stored();
    const { id, url } = await connect.link({ tenant: 'globex', returnTo: `${site.origin}/` });
    const page = await person();
    await toGoogle(page, url);
    await chooseAccount(page, mallory);
    await tick(page, []);
    expect(await heading(page)).toBe('No box was ticked');
    expect(await connect.session(id)).toMatchObject({
      state: 'failed',
      outcome: 'nothing-granted',
    });
    await press(page, 'Ask Google again');
    await chooseAccount(page, mallory);
    await press(page, 'Cancel');
    expect(await heading(page)).toBe('You have cancelled');
    expect(await page.getByRole('link', { name: 'Back to Acme' }).getAttribute('href')).toBe(
      `${site.origin}/?connect=${id}&result=cancelled`,
    );
    expect(await connect.session(id)).toMatchObject({
      state: 'failed',
      outcome: 'cancelled',
      accountId: null,
    });
    expect(await connect.stored()).toEqual(before);
    await press(page, 'Try again');
    await chooseAccount(page, mallory);
    await tick(page, 'all');
    await page.waitForURL(/result=connected/);
    expect(await connect.audit(id)).toEqual(['nothing-granted', 'cancelled', 'connected']);
  });

  test('the link in a window of its own, a double click and the back button', async () => {
    const { id, url } = await connect.link({ tenant: 'initech', returnTo: `${site.origin}/done` });
    const page = await person();
    await page.goto(site.origin);
    const [popup] = await Promise.all([
      page.waitForEvent('popup'),
      page.evaluate(`void window.open(${JSON.stringify(url)})`),
    ]);
    await popup.getByRole('button', { name: 'Continue with Google' }).dblclick();
    await popup.waitForURL(/o\/oauth2/);
    await popup.goBack();
    expect(await heading(popup)).toBe('Connect Google to Acme');
    await press(popup, 'Continue with Google');
    await chooseAccount(popup, ada);
    await tick(popup, 'all');
    await popup.waitForURL(`${site.origin}/done?connect=${id}&result=connected`);
    expect(await connect.session(id)).toMatchObject({ state: 'connected' });
  });

  test('a link in a second browser', async () => {
    const { id, url } = await connect.link({ tenant: 'umbrella' });
    await toGoogle(await person(), url);
    const second = await person();
    expect((await second.goto(url))?.status()).toBe(409);
    expect(await heading(second)).toBe('This link was opened in another browser');
    expect(await connect.session(id)).toMatchObject({ state: 'open' });
  });

  test('a link that expires while the page of Google is open', async () => {
    const before = await connect.stored();
    const { id, url } = await connect.link({ tenant: 'umbrella' });
    const page = await person();
    await toGoogle(page, url);
    await connect.rows('UPDATE syncline.connect_sessions SET expires_at = now() WHERE id = $1', [
      id,
    ]);
    await chooseAccount(page, ada);
    await tick(page, 'all');
    expect(await heading(page)).toBe('This link has expired');
    expect(await connect.session(id)).toMatchObject({ state: 'failed' });
    expect(await connect.stored()).toEqual(before);
    expect(await connect.audit(id)).toContain('expired: state-expired');
  });

  test('no refresh token, and a Google that does not answer: try again with the same link', async () => {
    const { id, url } = await connect.link({ tenant: 'umbrella', returnTo: `${site.origin}/` });
    const page = await person();
    connect.world.simulator.scriptConsent({ email: ada, token: { refreshToken: false } });
    await toGoogle(page, url);
    expect(await heading(page)).toBe('Google gave no lasting permission');
    await connect.world.control.fault({ kind: '500', method: 'token', count: 20 });
    connect.world.simulator.scriptConsent({ email: ada });
    await press(page, 'Ask Google again');
    expect(await heading(page)).toBe('Google does not answer');
    expect(await connect.session(id)).toMatchObject({ outcome: 'google-unavailable' });
    await connect.world.control.clearFaults();
    connect.world.simulator.scriptConsent({ email: ada });
    await press(page, 'Try again');
    await page.waitForURL(/result=connected/);
  });

  test('error pages of Google do not come back: the start page says so, and the session notices it', async () => {
    const { id, url } = await connect.link({ tenant: 'umbrella' });
    const page = await person();
    for (const client of [
      { mode: 'testing', testUsers: [] },
      { mode: 'internal', domain: 'other.example' },
      { blockedDomains: [ada.split('@')[1]] },
      { redirectUris: ['https://other.example/'] },
      { scopes: [SCOPES.gmail] },
    ]) {
      connect.register(client);
      await page.goto(url);
      expect(await page.getByText('Access blocked').first().isVisible()).toBe(true);
      await press(page, 'Continue with Google');
      if (await page.getByRole('button', { name: ada }).isVisible()) await chooseAccount(page, ada);
      expect(await heading(page)).toBe('Access blocked');
    }
    await page.goto(url);
    expect(await page.getByText('trying again does not help').isVisible()).toBe(true);
    expect(await page.getByText('test', { exact: true }).first().isVisible()).toBe(true);
    await expireConnectSessions(connect.world, -1);
    expect(await connect.session(id)).toMatchObject({ state: 'open', outcome: 'not-returned' });
  });
});

test('C9: one mailbox in two tenants: removing one leaves the other syncing', async () => {
  const email = 'shared@demo.example';
  await connect.world.control.addAccount({ email });
  const first = await connect.connected(email, { tenant: 'one' });
  const second = await connect.connected(email, { tenant: 'two' });
  expect(first).not.toBe(second);
  await connect.world.catchUp();
  const removed = await connect.send('DELETE', `/v1/accounts/${first}`);
  expect(removed.status).toBe(202);
  const revoke = jest.spyOn(connect.world.google, 'revoke');
  expect(await finishRemovals(connect.world.rt, connect.world, 0)).toBe(1);
  expect(revoke).not.toHaveBeenCalled();
  const { messageId } = connect.world.simulator.act(email, { action: 'deliver' });
  await connect.world.catchUp();
  expect(
    await connect.rows('SELECT account_id FROM syncline.gmail_messages WHERE id = $1', [messageId]),
  ).toEqual([{ account_id: second }]);
  expect(
    await connect.rows('SELECT id, state FROM syncline.accounts WHERE id = ANY($1)', [
      [first, second],
    ]),
  ).toEqual([{ id: second, state: 'active' }]);
});

describe('C7: reconnecting', () => {
  let accountId: string;
  const mirror = async (): Promise<unknown> =>
    connect.rows(
      `SELECT (SELECT count(*)::int FROM syncline.gmail_messages WHERE account_id = $1) AS messages,
              (SELECT json_agg(cursor ORDER BY id) FROM syncline.collections WHERE account_id = $1) AS positions`,
      [accountId],
    );
  beforeAll(async () => {
    accountId = await connect.connected(mallory, { tenant: 'hooli' });
    await connect.world.catchUp();
  });

  test('another account is refused before anything is written, and both addresses are masked', async () => {
    const before = [await mirror(), await connect.stored()];
    const revoke = jest.spyOn(connect.consent, 'revoke');
    const { id, url } = await connect.link({ tenant: undefined, accountId, returnTo: site.origin });
    const page = await person();
    await page.goto(url);
    expect(await page.getByText(`${mallory[0]}***@`).isVisible()).toBe(true);
    connect.world.simulator.scriptConsent({ email: connect.people[3]! });
    await press(page, 'Continue with Google');
    expect(await heading(page)).toBe('This is another Google account');
    const text = await page.getByRole('main').innerText();
    expect(text).toContain(`${connect.people[3]![0]}***@`);
    expect(text).toContain(`${mallory[0]}***@`);
    expect([mallory, connect.people[3]!].some((address) => text.includes(address))).toBe(false);
    expect(await connect.session(id)).toMatchObject({
      state: 'failed',
      outcome: 'wrong-account',
      accountId,
    });
    expect([await mirror(), await connect.stored()]).toEqual(before);
    expect((await events(accountId)).at(-1)).toEqual({ op: 'updated' });
    // The refused grant of somebody without an account is revoked.
    expect(revoke).toHaveBeenCalledTimes(1);
  });

  test('a refused grant is replaced, and rows and cursors stay', async () => {
    const before = await mirror();
    await connect.rows(
      "UPDATE syncline.accounts SET state = 'reauth_required', reason = 'x', reason_code = 'grant-refused' WHERE id = $1",
      [accountId],
    );
    const { id, url } = await connect.link({ tenant: undefined, accountId, returnTo: site.origin });
    const page = await person();
    await toGoogle(page, url);
    // Google knows whom to ask: the hint is the account's own sub.
    await tick(page, 'all');
    await page.waitForURL(/result=connected/);
    expect(await connect.session(id)).toMatchObject({ state: 'connected', accountId });
    const [account] = await connect.rows(
      'SELECT state, reason FROM syncline.accounts WHERE id = $1',
      [accountId],
    );
    expect(account).toEqual({ state: 'active', reason: null });
    expect(await mirror()).toEqual(before);
  });

  test('a renamed person reaches the same account, also without naming it', async () => {
    const renamed = `new.${mallory}`;
    await connect.world.control.rename(mallory, renamed);
    const { id, url } = await connect.link({ tenant: 'hooli', returnTo: site.origin });
    const page = await person();
    connect.world.simulator.scriptConsent({ email: renamed });
    await toGoogle(page, url);
    await page.waitForURL(/result=renamed/);
    expect(await connect.session(id)).toMatchObject({ outcome: 'renamed', accountId });
    expect((await connect.send('GET', `/v1/accounts/${accountId}`)).json).toMatchObject({
      email: renamed,
      aliases: [mallory],
    });
  });

  test("an address that has passed to another person does not reach the first person's account", async () => {
    const leaver = 'leaver@demo.example';
    await connect.world.control.addAccount({ email: leaver });
    const first = await connect.connected(leaver, { tenant: 'pied-piper' });
    await connect.world.catchUp();
    await connect.world.control.delete(leaver);
    await connect.world.control.addAccount({ email: leaver });
    const before = await connect.stored();
    const { id, url } = await connect.link({ tenant: 'pied-piper' });
    const page = await person();
    connect.world.simulator.scriptConsent({ email: leaver });
    await toGoogle(page, url);
    expect(await heading(page)).toBe('This address belonged to somebody else');
    expect(await connect.session(id)).toMatchObject({
      outcome: 'address-conflict',
      accountId: first,
    });
    expect(await connect.stored()).toEqual(before);
  });
});

/** Opens every page that a person can see, and gives its name. */
async function* everyPage(page: Page): AsyncGenerator<string> {
  const origin = connect.api.origin;
  const used = await connect.link({ tenant: 'pages' });
  const other = await connect.link({ tenant: 'pages' });
  const { id, url } = await connect.link({ tenant: 'pages', returnTo: `${site.origin}/settings` });
  const accountId = await connect.connected(ada, { tenant: 'pages' });
  const reconnect = await connect.link({ tenant: 'pages', accountId });
  const hash = 'decode(repeat($2, 32), $3)';
  await connect.rows(
    `UPDATE syncline.connect_sessions SET browser_hash = ${hash}, state = CASE WHEN id = $1 THEN 'connected' ELSE state END WHERE id IN ($1, $4)`,
    [used.id, 'ab', 'hex', other.id],
  );
  for (const [name, address] of [
    ['start', url],
    ['reconnect', reconnect.url],
    ['used', used.url],
    ['other-browser', other.url],
    ['unknown-link', `${origin}/connect/unknown`],
    ['refused', `${origin}/connect/callback?state=unknown`],
  ] as const) {
    await page.goto(address);
    yield name;
  }
  await page.goto(url);
  await press(page, 'Continue with Google');
  await page.goto(url);
  yield 'away';
  for (const outcome of Object.keys(CONNECT_OUTCOMES) as ConnectOutcome[]) {
    const { state } = CONNECT_OUTCOMES[outcome];
    await connect.rows(
      `UPDATE syncline.connect_sessions SET state = $2, outcome = $3, missing = '{gmail,calendar}', addresses = $4,
              expires_at = CASE WHEN $3 IN ('expired', 'not-returned') THEN now() ELSE now() + interval '1 hour' END
        WHERE id = $1`,
      [id, state, outcome, ['e***@personal.example', 'a***@a-rather-long-name.corp.example']],
    );
    await page.goto(`${origin}/connect/sessions/${id}`);
    yield outcome;
  }
}

describe('C7: every page', () => {
  /** A page of each colour and form; the others differ in words only. */
  const DISTINCT = ['start', 'reconnect', 'away', 'partly-granted', 'connected', 'wrong-account'];

  test.each([
    ['light', 1280, 'every'],
    ['dark', 390, 'distinct'],
  ] as const)(
    'is accessible and fits in %s at %i px (%s page)',
    async (colorScheme, width, which) => {
      const page = await person({ colorScheme, viewport: { width, height: 844 } });
      const seen: string[] = [];
      for await (const name of everyPage(page)) {
        seen.push(name);
        const isChecked = which === 'every' || DISTINCT.includes(name);
        expect([name, isChecked ? await violationsOf(page) : []]).toEqual([name, []]);
        expect([name, await fitsWidth(page)]).toEqual([name, true]);
        expect([name, await isStyled(page)]).toEqual([name, true]);
      }
      expect(new Set(seen).size).toBeGreaterThan(20);
    },
  );
});
