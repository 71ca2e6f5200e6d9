/**
 * The simplest loop: googleapis, one get at a time, Prisma, one upsert at a time. It stores the
 * same columns and parses in the same way as the engine.
 */
import { createRequire } from 'node:module';
import { PrismaPg } from '@prisma/adapter-pg';

const require = createRequire(import.meta.url);
const { gmail } = require('googleapis/build/src/apis/gmail/index.js');
const { OAuth2Client } = require('google-auth-library');
const { PrismaClient } = require('../../packages/store/dist/generated/client.js');
const { parseMessage } = require('../../packages/sync/dist/resources/gmail/parse.js');

/** @returns messages per second, client CPU seconds per 1,000 messages and resident MB of this process */
export async function plainLoop({ api, refreshToken, databaseUrl }) {
  const auth = new OAuth2Client({
    clientId: 'bench',
    clientSecret: 'bench',
    endpoints: { oauth2TokenUrl: `${api}/token` },
  });
  auth.setCredentials({ refresh_token: refreshToken });
  const client = gmail({ version: 'v1', auth, rootUrl: api });
  const prisma = new PrismaClient({
    adapter: new PrismaPg(
      { connectionString: databaseUrl, options: '-c timezone=UTC' },
      { schema: 'syncline' },
    ),
  });
  const accountId = '00000000-0000-4000-8000-000000000001';
  const began = performance.now();
  const cpuBefore = process.cpuUsage();
  let stored = 0;
  for (let pageToken; ;) {
    const { data: page } = await client.users.messages.list({
      userId: 'me',
      maxResults: 500,
      includeSpamTrash: true,
      ...(pageToken ? { pageToken } : {}),
    });
    for (const { id } of page.messages ?? []) {
      const { data } = await client.users.messages.get({ userId: 'me', id });
      await store(prisma, accountId, parseMessage(data));
      stored++;
    }
    pageToken = page.nextPageToken;
    if (!pageToken) break;
  }
  const cpu = process.cpuUsage(cpuBefore);
  const seconds = (performance.now() - began) / 1_000;
  await prisma.$disconnect();
  return {
    perSecond: stored / seconds,
    cpuPer1000: (cpu.user + cpu.system) / 1e6 / (stored / 1_000),
    peakMb: process.resourceUsage().maxRSS / 1024,
  };
}

async function store(prisma, accountId, row) {
  const message = {
    threadId: row.threadId,
    historyId: row.historyId,
    labelIds: row.labelIds,
    internalDate: new Date(row.internalDateMs),
    sizeEstimate: row.sizeEstimate,
    snippet: row.snippet,
    subject: row.subject,
    fromHeader: row.from,
    toHeader: row.to,
    ccHeader: row.cc,
    dateHeader: row.date,
    messageIdHeader: row.messageId,
    addresses: JSON.parse(row.addresses),
    resource: JSON.parse(row.resource),
  };
  await prisma.gmailMessage.upsert({
    where: { accountId_id: { accountId, id: row.id } },
    create: { accountId, id: row.id, ...message },
    update: message,
  });
  const body = { textPlain: row.text, textHtml: row.html };
  await prisma.gmailBody.upsert({
    where: { accountId_messageId: { accountId, messageId: row.id } },
    create: { accountId, messageId: row.id, ...body },
    update: body,
  });
}
