/** The routes: each page is read from the API when it is asked for. */
import path from 'node:path';
import { SynclineProblem, SynclineUnreachable, type Account, type Client } from '@syncline/client';
import express, { type ErrorRequestHandler, type Express, type Response } from 'express';
import { openLive, type Live } from './live.js';
import type { Html } from './html.js';
import {
  accountsPage,
  failurePage,
  mailboxPage,
  mailboxParts,
  messagePage,
  notConnectedPage,
  type Mailbox,
} from './pages.js';

/** How many accounts the first page shows. A product shows those of who is signed in. */
const ACCOUNTS_SHOWN = 1_000;
const DAY_MS = 86_400_000;
const AGENDA_DAYS = 14;
const ALIVE_EVERY_MS = 15_000;
/**
 * Nothing but files of our own: a page never loads or runs anything of a message. The form that
 * connects an account leads to the connect pages of Syncline.
 */
const policy = (connectOrigin: string): string =>
  `default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self' ${connectOrigin}; frame-ancestors 'none'`;

interface Options {
  /** The origin of Syncline's connect pages (PUBLIC_URL). */
  connectOrigin: string;
  /** Takes a line about what a page could not show. */
  log: (line: string) => void;
}

export function inboxApp(client: Client, { connectOrigin, log }: Options): Express {
  const live = openLive(client, (error) => log(`changes are not shown: ${reasonOf(error)}`));
  const app = express().disable('x-powered-by');
  app.use((_request, response, next) => {
    response.set({
      'Content-Security-Policy': policy(connectOrigin),
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-store',
    });
    next();
  });
  app.use(express.static(path.join(__dirname, '../public')));
  app.get('/', async (_request, response) => {
    send(response, accountsPage(await accountsOf(client)));
  });
  // A product takes the account from who is signed in, never from the address alone.
  app.get('/accounts/:account', async ({ params, query }, response) => {
    const { cursor } = query;
    const mailbox = await mailboxOf(
      client,
      params.account,
      typeof cursor === 'string' ? cursor : null,
    );
    send(response, query['part'] === undefined ? mailboxPage(mailbox) : mailboxParts(mailbox));
  });
  app.get('/accounts/:account/messages/:message', async ({ params }, response) => {
    const { account, message } = params;
    send(
      response,
      messagePage(account, await client.messages.get(account, message, { include: 'text' })),
    );
  });
  app.get('/accounts/:account/live', ({ params }, response) =>
    sendChanges(live, params.account, response),
  );
  app.post('/connect', async ({ protocol, headers }, response) => {
    response.redirect(303, await connectLink(client, `${protocol}://${headers.host}`, {}));
  });
  // An account whose grant has ended is connected again: its rows stay.
  app.post('/accounts/:account/connect', async ({ params, protocol, headers }, response) => {
    const { account: accountId } = params;
    const link = await connectLink(client, `${protocol}://${headers.host}`, { accountId });
    response.redirect(303, link);
  });
  app.get('/connected', async ({ query }, response) => {
    const { connect } = query;
    if (typeof connect !== 'string') return response.redirect(303, '/');
    // `result` in the address is a hint that anybody can type; the session says what happened.
    const session = await client.connectSessions.get(connect);
    if (session.state === 'connected' && session.accountId !== null)
      return response.redirect(303, `/accounts/${session.accountId}`);
    return send(response, notConnectedPage(session));
  });
  app.use(failed(log));
  return app;
}

async function accountsOf(client: Client): Promise<Account[]> {
  const accounts: Account[] = [];
  for await (const account of client.accounts.list({ limit: 100 })) {
    accounts.push(account);
    if (accounts.length === ACCOUNTS_SHOWN) break;
  }
  return accounts;
}

/** @param own the address of this product, which has it in its settings */
async function connectLink(
  client: Client,
  own: string,
  again: { accountId?: string },
): Promise<string> {
  const session = await client.connectSessions.create({
    // A product names its user here.
    ref: 'demo-user',
    returnTo: `${own}/connected`,
    ...again,
  });
  return session.url;
}

async function mailboxOf(client: Client, id: string, cursor: string | null): Promise<Mailbox> {
  const nowMs = Date.now();
  const [account, messages, agenda] = await Promise.all([
    client.accounts.get(id),
    client.messages.list(id, { label: 'INBOX', limit: 30, ...(cursor === null ? {} : { cursor }) }),
    client.instances.list(id, {
      timeMin: new Date(nowMs).toISOString(),
      timeMax: new Date(nowMs + AGENDA_DAYS * DAY_MS).toISOString(),
      limit: 50,
    }),
  ]);
  const { data, next, freshness } = messages;
  return { account, messages: data, older: next, instances: agenda.data, freshness };
}

function send(response: Response, page: Html): void {
  response.type('html').send(page.text);
}

/** Server-sent events: one for each burst of changes, without what has changed. */
function sendChanges(live: Live, account: string, response: Response): void {
  response.set({ 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' });
  response.flushHeaders();
  const alive = setInterval(() => response.write(': alive\n\n'), ALIVE_EVERY_MS);
  const unsubscribe = live.subscribe(account, () => response.write('data: changed\n\n'));
  response.once('close', () => {
    clearInterval(alive);
    unsubscribe();
  });
}

function failed(log: (line: string) => void): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const status = statusOf(error);
    if (status !== 404) log(reasonOf(error));
    const text =
      status === 404 ? 'There is no such thing here.' : 'The mail cannot be read at the moment.';
    send(response.status(status), failurePage(text));
  };
}

function statusOf(error: unknown): 404 | 502 | 500 {
  if (error instanceof SynclineProblem) return [400, 404].includes(error.status) ? 404 : 502;
  return error instanceof SynclineUnreachable ? 502 : 500;
}

/** Problems of the API quote no mail. */
function reasonOf(error: unknown): string {
  if (error instanceof SynclineProblem) return `${error.message} (request ${error.requestId})`;
  return error instanceof Error ? error.message : 'an unknown failure';
}
