import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SCOPES as SCOPES_OF_KEYS } from '@syncline/contract/scopes';
import { QUEUE_NAMES, readJobReport } from '@syncline/fleet';
import { Queue } from 'bullmq';
import { makeCanaries, type Kind, type Leak } from '../support/canaries.js';
import {
  alteredAnswers,
  badImportLines,
  canaryEvent,
  canaryMails,
  canaryPerson,
  quoteOf,
  REFUSING_FAULTS,
} from '../support/canary-google.js';
import { sendCanaryRequests } from '../support/canary-api.js';
import {
  answerOf,
  boardContent,
  type Column,
  columnsOf,
  MIRROR_TABLES,
  redisContent,
  redisFiles,
  statementsOf,
} from '../support/canary-sinks.js';
import { ROOT } from '../support/compose.js';
import { type FleetWorld, startFleetWorld } from '../support/fleet-world.js';
import { exited, lineOf, type Program, type Started, startProgram } from '../support/processes.js';
import { ROOMY, withClient } from '../support/redis-fleet.js';
import { freePort, startRedis, type TestRedis } from '../support/redis-server.js';
import type { SimulatedAccount } from '../support/simulator-control.js';

/*
 * A fleet of real processes at trace level, whose tokens, keys, mails, events and addresses are
 * canaries, goes through every flow and every error that the simulator knows. Afterwards whatever
 * the fleet has left for others to read is searched: the output of every process, every page of
 * HTTP, all of Redis with every write to it, and Postgres beside the mirror itself.
 */

const TOPIC = 'projects/sim/topics/gmail';
const SERVICE_ACCOUNT = 'push@sim.iam.gserviceaccount.com';
const COMMANDS_AT_ONCE = 3;

const canaries = makeCanaries();
const { secret, personal } = canaries;
const REDIS_PASSWORD = secret('redispassword');
/** 32 bytes that begin with a canary, so that the key is found in any form. */
const MASTER_KEY = Buffer.concat([Buffer.from(secret('masterkey')), randomBytes(32)]).subarray(
  0,
  32,
);
const AUDIENCE = `https://sync.example.com/${secret('audience')}`;

let world: FleetWorld;
let redis: TestRedis;
let redisUrl: string;
let folder: string;
let redisFolder: string;
let fleet: { scheduler: Started; workers: Started[]; api: Started };
/** The texts that were read from each sink. */
const sinks = new Map<string, string[]>();
let columns: Column[];
let people: Record<'owner' | 'leaver' | 'revoked' | 'paused', SimulatedAccount>;
/** Addresses of mirrored accounts: an operator's own command may print them, and rows of accounts hold them. */
const ownAddresses = new Set<string>();
const metricsPorts: number[] = [];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'syncline-canary-'));
  redisFolder = path.join(folder, 'redis');
  mkdirSync(redisFolder);
  redis = await startRedis(redisArguments());
  redisUrl = `redis://:${REDIS_PASSWORD}@127.0.0.1:${redis.port}`;
  await openWorld();
  await addPeople();
  await startFleet();
  await connectAccounts();
  await expectTroubleMet();
  await applyChanges();
  await refusedRows();
  await redisAway();
  await fullSyncsAndAudits();
  await requestsOverHttp();
  await checkPages();
  await everyCommand();
  await endings();
  await checkStores();
}, 600_000);
afterAll(async () => {
  await world.close();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('S12: no process writes a token, address, subject, body or file name, at trace verbosity', () => {
  keep(
    'processes',
    ...Object.values(fleet)
      .flat()
      .map(({ output }) => output.join('')),
  );
  expectClean('processes', 200_000);
});

test("S12: commands print an account's address and mirror only where that is their purpose", () => {
  expectClean('commands', 5_000);
  // Exports contain the mirror, and must contain no secret.
  expectClean('exports', 2_000, ['secret']);
});

test('S12: no secret and no personal data is in metrics, in pages of the board or in HTTP answers', () => {
  expectClean('metrics', 10_000);
  expectClean('board', 100_000);
  expectClean('answers', 1_000);
});

test('S3: no secret and no personal data was ever written to Redis, in any job, id, name, reason, stack, result or log', () => {
  expectClean('redis', 10_000);
  expectClean('redis files', 100_000);
});

test('S3: a job has opaque ids and our own words only', async () => {
  const jobs = [...failedJobs, ...(await allJobs())];
  expect(jobs.length).toBeGreaterThan(100);
  const id = expect.stringMatching(/^[0-9a-f-]{36}$/);
  for (const job of jobs) {
    expect(job.name).toMatch(/^(gmail|calendar|contacts) (full|incremental|watch)( [a-z-]+)?$/);
    const { collection, account, tenant = 'default', resource, mode, cause, ...more } = job.data;
    expect([collection, account]).toEqual([id, id]);
    expect([tenant, resource, mode ?? 'watch', cause].join(' ')).toMatch(
      /^[a-z-]+ (gmail|calendar|contacts) (full|incremental|watch) (schedule|notification|request|retry)$/,
    );
    expect(more).toEqual({});
    expect([null, readJobReport(job.returnvalue)]).toContainEqual(job.returnvalue);
    expect(Buffer.byteLength(JSON.stringify(job.data))).toBeLessThan(1_024);
    expect(Buffer.byteLength(JSON.stringify(job))).toBeLessThan(8_192);
  }
  // A failed job keeps only our own description of the error.
  expect(failedJobs.map(({ failedReason }) => failedReason)).toEqual(
    expect.arrayContaining([
      'an error ended this run: error XX000; the log of its worker has more',
    ]),
  );
});

test('S12: no secret and no personal data is in Postgres beside the mirror, and no secret is in the mirror', () => {
  for (const { table, column, values } of columns) {
    const isMirror = MIRROR_TABLES.includes(table);
    keep(
      isMirror ? 'mirror' : 'engine tables',
      ...values
        .filter((value) => !isOwnAddressIn(`${table}.${column}`, value))
        .map((value) => `${table}.${column}: ${withoutSyncToken(`${table}.${column}`, value)}`),
    );
  }
  expectClean('engine tables', 10_000);
  expectClean('mirror', 10_000, ['secret']);
  // A check of the search itself: it finds the personal data of the mirror.
  expect(leaksOf('mirror').length).toBeGreaterThan(0);
  expectClean('statements', 1_000);
});

test('S12: a field with an unlisted name is not in the log line', () => {
  const leak = personal('unforeseen');
  const statements = [
    `log.info({ event: 'x', shoeSize: leak, nested: { accountId: leak } }, 'x')`,
    `log.error({ event: 'x', err: { message: leak }, reason: { text: leak } })`,
    `log.child({ shoeSize: leak }).info({ event: 'x', rows: leak }, '%s', leak)`,
    `log.setBindings({ shoeSize: leak }); log.info({ event: 'x' }, 'x')`,
  ];
  const script = (log: string): string =>
    `const leak = process.env.PLANTED_LEAK; const log = ${log}; ${statements.join('; ')}`;
  const run = (log: string): string =>
    execFileSync(process.execPath, ['-e', script(log)], {
      cwd: ROOT,
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], PLANTED_LEAK: leak },
    });
  const ours = run(
    "require('./packages/runtime').createRuntime({ service: 'probe', logLevel: 'trace' }).log",
  );
  expect(ours.trim().split('\n')).toHaveLength(statements.length);
  expect(canaries.leaksIn(ours)).toEqual([]);
  // The same statements leak in every line of a log without the allow-list.
  const plain = run("require('./node_modules/pino')()").trim().split('\n');
  expect(plain.filter((line) => canaries.leaksIn(line).length > 0)).toHaveLength(statements.length);
});

test('a planted leak in each sink is found', async () => {
  const planting = makeCanaries();
  const leak = planting.personal('planted');
  await world.rows('UPDATE syncline.accounts SET reason = $2 WHERE email = $1', [
    people.revoked.email,
    leak,
  ]);
  await plantJob(leak);
  const planted = {
    NODE_OPTIONS: `--require=${path.resolve(__dirname, '../support/plant-leaks.cjs')}`,
    PLANTED_LEAK: leak,
  };
  const api = startApi(planted);
  const origins = await originsOf(api);
  const command = await exited(startProgram('cli', { ...world.env, ...planted }, ['--version']));
  const found: Record<string, string> = {
    'standard output': command.stdout,
    'standard error': command.stderr,
    processes: api.output.join(''),
    metrics: await answerOf(`${origins.operator}/metrics`),
    answers: await answerOf(`${origins.public}/nothing`),
    board: await boardContent(origins.operator),
    redis: await redisContent(redisUrl),
    'redis files': await redisFiles(redisUrl, redisFolder),
    'engine tables': (await columnsOf(world.database.pool))
      .filter(({ table }) => !MIRROR_TABLES.includes(table))
      .flatMap(({ values }) => values)
      .join('\n'),
    statements: await statementsWith(leak),
  };
  const missed = Object.entries(found).filter(([, text]) => planting.leaksIn(text).length === 0);
  expect(missed.map(([sink]) => sink)).toEqual([]);
  process.stdout.write(
    `searched: ${[...sinks].map(([sink, texts]) => `${sink} ${bytesOf(texts)} bytes`).join(', ')}; a planted leak is found in ${Object.keys(found).join(', ')}\n`,
  );
});

test.each(['raw', 'hex', 'base64', 'url'])('a leak is found as %s, wherever it begins', (form) => {
  const found = [0, 1, 2, 3].map((before) => {
    const bytes = Buffer.from(`${'x'.repeat(before)}${secret('form')}~ and more`);
    const text = {
      raw: bytes.toString().toUpperCase(),
      hex: bytes.toString('hex').toUpperCase(),
      base64: bytes.toString('base64url'),
      url: encodeURIComponent(bytes.toString()),
    }[form] as string;
    return canaries.leaksIn(`{"a":"${text}"}`).length;
  });
  expect(found).toEqual([1, 1, 1, 1]);
});

// --- the world ---

/** Uncompressed, so that the files can be searched, and with every write since the start. */
function redisArguments(): string[] {
  const log = ['--appendonly', 'yes', '--auto-aof-rewrite-percentage', '0'];
  const uncompressed = ['--rdbcompression', 'no', '--aof-use-rdb-preamble', 'no'];
  return ['--requirepass', REDIS_PASSWORD, '--dir', redisFolder, ...log, ...uncompressed];
}

const SCOPES = [
  'openid',
  'userinfo.email',
  'gmail.readonly',
  'calendar.readonly',
  'contacts.readonly',
  'contacts.other.readonly',
];

async function openWorld(): Promise<void> {
  const port = await freePort();
  world = await startFleetWorld(
    {
      accounts: 0,
      eventsPerCalendar: 3,
      tokenStart: secret('token'),
      scopes: SCOPES,
      quota: { scale: 100 },
    },
    { url: redisUrl, env: { ...ROOMY } },
  );
  Object.assign(world.env, {
    LOG_LEVEL: 'trace',
    // Pushes and `served` bring work; fifty accounts that are polled every second would only cost time.
    POLL_INTERVAL_ACTIVE_SECONDS: '60',
    POLL_INTERVAL_IDLE_SECONDS: '60',
    PORT: String(port),
    SYNCLINE_MASTER_KEY: MASTER_KEY.toString('base64'),
    GOOGLE_CLIENT_ID: 'client-of-a-test',
    GOOGLE_CLIENT_SECRET: secret('clientsecret'),
    GOOGLE_PROJECTS_FILE: projectsFile(),
    MIRROR_BODIES: 'raw',
    GMAIL_PUBSUB_TOPIC: TOPIC,
    PUSH_BASE_URL: `http://127.0.0.1:${port}`,
    PUSH_GMAIL_SERVICE_ACCOUNT: SERVICE_ACCOUNT,
    PUSH_GMAIL_AUDIENCE: AUDIENCE,
  });
  const password = decodeURIComponent(new URL(world.env['DATABASE_URL']!).password);
  if (password.length >= 8) canaries.alsoSecret(password);
  world.simulator.delivery.set({ minGapMs: 0 });
  world.simulator.pubsub.subscribe({
    name: 'projects/sim/subscriptions/syncline',
    topic: TOPIC,
    pushEndpoint: `http://127.0.0.1:${port}/push/gmail`,
    serviceAccountEmail: SERVICE_ACCOUNT,
    audience: AUDIENCE,
  });
}

/** A refusal that stops a whole Google project is ordered in a separate project. */
const PROJECT_WIDE = ['403-api-disabled', '403-daily-limit', 'token-invalid-client'];

function projectsFile(): string {
  const file = path.join(folder, 'projects.json');
  const projects = PROJECT_WIDE.map((kind) => ({
    name: `p-${kind}`,
    clientId: `client-${kind}`,
    clientSecret: secret('projectsecret'),
  }));
  writeFileSync(file, JSON.stringify(projects));
  return file;
}

const projectOf = (kind: string): string | undefined =>
  PROJECT_WIDE.includes(kind) ? `p-${kind}` : undefined;

async function addPeople(): Promise<void> {
  const add = async (name: string): Promise<SimulatedAccount> => {
    const email = `${personal(name)}@corp.example`;
    ownAddresses.add(email);
    return world.control.addAccount({ email, messages: 4, calendars: 1 });
  };
  people = {
    owner: await add('owner'),
    leaver: await add('leaver'),
    revoked: await add('revoked'),
    paused: await add('paused'),
  };
  // For one account Google reports this address as its present one.
  ownAddresses.add(`${personal('stranger')}@corp.example`);
  for (const { email } of Object.values(people)) await writeCanaries(email);
}

/** Mails, a label, a calendar, an event, a contact and a group. */
async function writeCanaries(email: string): Promise<void> {
  const act = (order: object): Promise<unknown> => world.control.actAs(email, order);
  for (const rawBase64 of canaryMails(canaries)) await act({ action: 'deliver', rawBase64 });
  await act({ action: 'label-create', name: personal(`label${letter(labels++)}`) });
  await act({ action: 'event-create', calendarId: email, event: canaryEvent(canaries) });
  await act({ action: 'contact-create', person: canaryPerson(canaries) });
  await act({ action: 'group-create', name: personal(`group${letter(groups++)}`) });
}

let labels = 0;
let groups = 0;
/** Seen while their error lasted. */
let failedJobs: StoredJob[] = [];

async function startFleet(): Promise<void> {
  const withMetrics = async (program: 'scheduler' | 'worker'): Promise<Started> => {
    const port = await freePort();
    metricsPorts.push(port);
    return startProgram(program, { ...world.env, METRICS_PORT: String(port) });
  };
  fleet = {
    scheduler: await withMetrics('scheduler'),
    workers: [await withMetrics('worker'), await withMetrics('worker')],
    api: startApi(),
  };
  for (const one of Object.values(fleet).flat())
    await lineOf(one, (line) => line.includes('"event":"ready"'));
}

/** @param env another API than the fleet's, on a port of its own */
function startApi(env: Record<string, string> | null = null): Started {
  return startProgram('api', { ...world.env, ...(env === null ? {} : { ...env, PORT: '0' }) });
}

/** The URLs of the API's public and operators' listeners. */
async function originsOf(api: Started): Promise<{ public: string; operator: string }> {
  const line = await lineOf(api, (text) => text.includes('"event":"listening"'));
  const { url, board } = JSON.parse(line) as { url: string; board: string };
  return { public: new URL(url).origin, operator: new URL(board).origin };
}

// --- the flows ---

async function connectAccounts(): Promise<void> {
  const faulty = await Promise.all([
    ...REFUSING_FAULTS.map((kind, at) =>
      addFaulty(`f${letter(at)}`, { kind, quote: quoteOf(canaries) }, projectOf(kind)),
    ),
    ...alteredAnswers(canaries).map((fault, at) =>
      addFaulty(`a${letter(at)}`, { kind: 'altered-answer', ...fault }),
    ),
  ]);
  // An import asks Google for the owner of each grant, and so meets the same faults.
  const checked = faulty.slice(0, 12);
  const resources = ['gmail', 'calendar', 'contacts'];
  const own = Object.values(people).map((account) => ({ ...account, resources }));
  await printed(
    'accounts import',
    [importFile([...own, ...badImportLines(canaries), ...checked])],
    1,
  );
  await printed('accounts import', [importFile(faulty), '--no-verify'], null);
  const emails = Object.values(people).map(({ email }) => email);
  await printed('wait', [...emails, '--timeout', '90']);
}

const letter = (at: number): string =>
  String.fromCharCode(97 + Math.floor(at / 26), 97 + (at % 26));

/** An account whose calls meet this fault until it is lifted. */
async function addFaulty(
  name: string,
  fault: object,
  project?: string,
): Promise<SimulatedAccount & { project?: string }> {
  const email = `${personal(name)}@corp.example`;
  ownAddresses.add(email);
  const account = await world.control.addAccount({ email, messages: 2, calendars: 1 });
  await world.control.actAs(email, { action: 'deliver', rawBase64: canaryMails(canaries)[0] });
  await world.control.fault({ ...fault, email });
  return { ...account, ...(project === undefined ? {} : { project }) };
}

function importFile(lines: readonly (object | string)[]): string {
  const file = path.join(folder, `import-${imports++}.ndjson`);
  const text = lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
  writeFileSync(file, text.join(''));
  return file;
}
let imports = 0;

/** Waits until every fault has struck and its outcome is stored. */
async function expectTroubleMet(): Promise<void> {
  await until('every fault has struck', async () => {
    const { faults } = (await (await fetch(`${world.simulator.url}/sim/faults`)).json()) as {
      faults: { order: { kind: string; method?: string }; hits: number }[];
    };
    return faults
      .filter(({ hits }) => hits === 0)
      .map(({ order }) => `${order.kind} ${order.method ?? ''}`);
  });
  await until('every account has been tried', async () =>
    (
      await world.rows<{ project: string }>(
        "SELECT project FROM syncline.accounts a WHERE state = 'active' AND NOT EXISTS (SELECT FROM syncline.collections WHERE account_id = a.id AND run_started_at IS NOT NULL)",
      )
    ).map(({ project }) => project),
  );
  await checkStores();
  await world.control.clearFaults();
}

/** Waits until every collection of the account has been synced by a run that began after now. */
async function caughtUp(email: string): Promise<void> {
  const [now] = await world.rows<{ at: string }>('SELECT now()::text AS at');
  await until('the account is caught up', async () => {
    await makeDue(email);
    return (
      await world.rows<{ kind: string; error: string | null }>(
        "SELECT kind, error FROM syncline.collections c JOIN syncline.accounts a ON a.id = account_id WHERE email = $1 AND c.state = 'active' AND (caught_up_at IS NULL OR caught_up_at < $2::timestamptz)",
        [email, now!.at],
      )
    ).map(({ kind, error }) => `${kind} (${error})`);
  });
}

/** Makes collections due now that wait for their next poll. Queued ones are left alone. */
async function makeDue(email: string): Promise<void> {
  await world.rows(
    "UPDATE syncline.collections SET next_sync_at = now() FROM syncline.accounts a WHERE a.id = account_id AND email = $1 AND next_sync_at > now() + interval '40 seconds'",
    [email],
  );
}

/** Genuine pushes of both kinds with their changes, and forged ones. */
async function applyChanges(): Promise<void> {
  const { owner } = people;
  const { channels } = (await (await fetch(`${world.simulator.url}/sim/watches`)).json()) as {
    channels: { token: string | null }[];
  };
  expect(channels.length).toBeGreaterThan(0);
  for (const { token } of channels) if (token !== null) canaries.alsoSecret(token);
  await writeCanaries(owner.email);
  await world.control.fault({
    kind: '500',
    method: 'history.list',
    count: 2,
    quote: quoteOf(canaries),
  });
  await caughtUp(owner.email);
  await until('both kinds of notifications were taken', async () => {
    const { pubsub, channel } = world.simulator.ledger.snapshot().notifications;
    return pubsub.delivered > 0 && channel.delivered > 0
      ? []
      : [JSON.stringify({ pubsub, channel })];
  });
  await forgedRequests();
}

async function forgedRequests(): Promise<void> {
  const { public: origin, operator } = await originsOf(fleet.api);
  const jwt = `${base64url({ alg: 'RS256', kid: personal('kid') })}.${base64url({ email: `${personal('forger')}@corp.example`, aud: AUDIENCE })}.${secret('signature')}`;
  const json = JSON.stringify({
    message: { data: base64url({ emailAddress: people.owner.email }) },
  });
  const post = (at: string, headers: Record<string, string>, body: string): Promise<string> =>
    answerOf(origin + at, { method: 'POST', headers, body });
  keep(
    'answers',
    await post('/push/gmail', {}, json),
    await post('/push/gmail', { authorization: `Bearer ${jwt}` }, json),
    await post('/push/gmail', { authorization: `Basic ${secret('basic')}` }, personal('body')),
    await post('/push/gmail', { authorization: `Bearer ${secret('nojwt')}` }, 'x'.repeat(20_000)),
    await post('/push/calendar', { 'x-goog-channel-token': secret('channel') }, personal('body')),
    await post(
      '/push/calendar',
      {
        'x-goog-channel-id': personal('channel'),
        'x-goog-channel-token': secret('channel'),
        'x-goog-resource-id': personal('resource'),
        'x-goog-resource-state': personal('state'),
        'x-goog-message-number': '1',
      },
      '',
    ),
    await answerOf(`${origin}/${personal('path')}?token=${secret('query')}`),
    await answerOf(`${origin}/%E0%A4%A${personal('path')}`),
    await answerOf(`${operator}/board/api/queues/${personal('queue')}/${secret('job')}`),
    await answerOf(
      `${operator}/board/api/queues?activeQueue=${personal('queue')}&status=${secret('status')}`,
    ),
    await answerOf(`${operator}/board/api/queues/gmail-full/clean/${personal('status')}`, {
      method: 'PUT',
    }),
    await answerOf(`${origin}/livez`),
    await answerOf(`${origin}/readyz`),
  );
}

const base64url = (value: object): string =>
  Buffer.from(JSON.stringify(value)).toString('base64url');

/** Postgres refuses rows and whole statements with messages that quote them. */
async function refusedRows(): Promise<void> {
  const { pool } = world.database;
  await pool.query(`
    CREATE FUNCTION syncline.refuse_row() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'refused: %', NEW USING ERRCODE = TG_ARGV[0], DETAIL = NEW::text, HINT = NEW::text, COLUMN = 'resource';
    END $$;
    CREATE TRIGGER refuse_mail BEFORE INSERT ON syncline.gmail_messages
      FOR EACH ROW WHEN (NEW.subject LIKE '%refusedrow') EXECUTE FUNCTION syncline.refuse_row('22023');
    CREATE TRIGGER refuse_event BEFORE INSERT ON syncline.calendar_events
      FOR EACH ROW WHEN (NEW.summary LIKE '%refusedstatement') EXECUTE FUNCTION syncline.refuse_row('XX000');`);
  const { email } = people.paused;
  await world.control.actAs(email, {
    action: 'event-create',
    calendarId: email,
    event: { summary: personal('refusedstatement') },
  });
  await world.control.actAs(email, {
    action: 'deliver',
    subject: personal('refusedrow'),
    text: personal('body'),
  });
  await until('the refused row is set aside', async () => {
    const [found] = await world.rows<{ items: number; failing: number }>(
      "SELECT (SELECT count(*)::int FROM syncline.quarantined_items) + (SELECT count(*)::int FROM syncline.failing_items) AS items, (SELECT count(*)::int FROM syncline.collections WHERE error LIKE '%XX000%') AS failing",
    );
    return found!.items > 0 && found!.failing > 0 ? [] : [JSON.stringify(found)];
  });
  await pool.query(`CREATE TRIGGER refuse_claim BEFORE UPDATE OF notified_at, lease_epoch ON syncline.collections
    FOR EACH ROW WHEN (NEW.kind = 'gmail') EXECUTE FUNCTION syncline.refuse_row('XX000');`);
  await world.control.actAs(email, {
    action: 'deliver',
    subject: personal('subject'),
    text: personal('body'),
  });
  await until('the API and a worker have met the refusal', async () => {
    const said = (started: Started[], event: string): boolean =>
      started.some(({ output }) => output.join('').includes(`"event":"${event}"`));
    return [
      ...(said([fleet.api], 'notification_failed') ? [] : ['notification_failed']),
      ...(said(fleet.workers, 'job_failed') ? [] : ['job_failed']),
    ];
  });
  columns.push(...(await columnsOf(world.database.pool)));
  failedJobs = (await allJobs()).filter(({ failedReason }) => failedReason !== undefined);
  for (const [trigger, table] of [
    ['refuse_mail', 'gmail_messages'],
    ['refuse_event', 'calendar_events'],
    ['refuse_claim', 'collections'],
  ] as const)
    await pool.query(`DROP TRIGGER ${trigger} ON syncline.${table}`);
}

async function redisAway(): Promise<void> {
  keep('redis', await redisContent(redisUrl));
  await redis.stop();
  await writeCanaries(people.owner.email);
  await until('a worker has said that Redis is away', async () =>
    fleet.workers.some(({ output }) => output.join('').includes('ECONNREFUSED'))
      ? []
      : ['ECONNREFUSED'],
  );
  redis = await startRedis(redisArguments(), redis.port);
  await caughtUp(people.owner.email);
}

async function fullSyncsAndAudits(): Promise<void> {
  const { owner } = people;
  const quote = quoteOf(canaries);
  await world.control.fault({ kind: 'expire-history', email: owner.email });
  await world.control.fault({ kind: 'invalid-sync-token', email: owner.email });
  await world.control.fault({
    kind: '403-permission',
    method: 'messages.get',
    email: owner.email,
    count: 1,
    quote,
  });
  await world.control.actAs(owner.email, {
    action: 'deliver',
    rawBase64: canaryMails(canaries)[0],
  });
  await printed('sync', [owner.email, '--full']);
  await caughtUp(owner.email);
  await world.rows(
    "UPDATE syncline.collections SET full_sync_started_at = now() - interval '3 days', audited_at = NULL FROM syncline.accounts a WHERE a.id = account_id AND a.email = $1",
    [owner.email],
  );
  await until('the mirror of the owner is audited', async () => {
    await makeDue(owner.email);
    return (
      await world.rows<{ kind: string }>(
        "SELECT kind FROM syncline.collections JOIN syncline.accounts a ON a.id = account_id WHERE a.email = $1 AND audited_at IS NULL AND kind = 'gmail'",
        [owner.email],
      )
    ).map(({ kind }) => kind);
  });
}

async function requestsOverHttp(): Promise<void> {
  const { owner } = people;
  const joiner = `${personal('joiner')}@corp.example`;
  ownAddresses.add(joiner);
  const made = await world.cli(
    'keys',
    'create',
    '--name',
    'all',
    '--scopes',
    SCOPES_OF_KEYS.join(),
    '--json',
  );
  const [row] = await world.rows<{ id: string }>(
    'SELECT id FROM syncline.accounts WHERE email = $1',
    [owner.email],
  );
  const answers = await sendCanaryRequests({
    origin: (await originsOf(fleet.api)).public,
    canaries,
    key: (JSON.parse(made.stdout) as { key: string }).key,
    joiner,
    account: row?.id ?? '',
    file: await aFileOf(owner.email),
  });
  keep('answers', ...answers.map(withoutOwnAddresses));
}

async function checkPages(): Promise<void> {
  const { public: origin, operator } = await originsOf(fleet.api);
  const scraped = metricsPorts.map((port) => `http://127.0.0.1:${port}`);
  for (const one of [operator, ...scraped]) keep('metrics', await answerOf(`${one}/metrics`));
  for (const one of scraped)
    keep('answers', await answerOf(`${one}/readyz`), await answerOf(`${one}/x`));
  keep('board', await boardContent(operator));
  keep('answers', await answerOf(`${origin}/`));
}

/** Every command that reads or changes an account, as an operator types it, and some that fail. */
async function everyCommand(): Promise<void> {
  const { owner, paused } = people;
  const file = await aFileOf(owner.email);
  const commands: [string, string[], (number | null)?][] = [
    ['accounts list', []],
    ['why', [paused.email, '--json']],
    ['verify', [owner.email, '--json'], null],
    ['changes', [owner.email]],
    ['quota', []],
    ['keys rotate-master', [], null],
    ['quarantine list', ['--json']],
    ['quarantine retry', [paused.email]],
    ['accounts pause', [paused.email]],
    ['source', [owner.email, 'nosuchmessage'], 1],
    ['export', [owner.email, '--resource', 'gmail']],
    ['export', [owner.email, '--resource', 'calendar']],
    ['export', [owner.email, '--resource', 'contacts']],
    [
      'instances',
      [owner.email, '--calendar', 'primary', '--from', '2026-01-01', '--to', '2027-12-31'],
    ],
    ['source', [owner.email, file.message]],
    ['attachment', [owner.email, file.message, file.part, '--json']],
  ];
  const left = [...commands];
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) await printed(...next);
  };
  await Promise.all(Array.from({ length: COMMANDS_AT_ONCE }, work));
  await printed('accounts resume', [paused.email]);
  await misconfigured();
}

async function aFileOf(email: string): Promise<{ message: string; part: string }> {
  const [found] = await world.rows<{ message: string; part: string }>(
    "SELECT message_id AS message, part_id AS part FROM syncline.gmail_attachments JOIN syncline.accounts a ON a.id = account_id WHERE a.email = $1 AND filename LIKE '%.pdf' LIMIT 1",
    [email],
  );
  return found!;
}

/** Programs with a wrong configuration: values that are refused, and servers that refuse the program. */
async function misconfigured(): Promise<void> {
  const database = new URL(world.env['DATABASE_URL']!);
  database.password = secret('wrongpassword');
  const mistakes: Record<string, string>[] = [
    {
      SYNCLINE_MASTER_KEY: secret('notakey'),
      REDIS_URL: `redis:/:${secret('redis')}@`,
      DATABASE_URL: `postgres:/${secret('database')}`,
      GOOGLE_API_URL: `http://${secret('user')}:${secret('password')}@127.0.0.1/x`,
      HTTPS_PROXY: `nothing://${secret('proxy')}`,
      WORKER_CONCURRENCY: secret('number'),
    },
    { DATABASE_URL: database.href },
    { DATABASE_URL: `postgresql://${secret('user')}:${secret('password')}@127.0.0.1:9/x` },
    { REDIS_URL: `redis://:${secret('wrongpassword')}@127.0.0.1:${redis.port}` },
    { SYNCLINE_MASTER_KEY: Buffer.alloc(32, secret('otherkey')).toString('base64') },
  ];
  const key = path.join(folder, 'key.json');
  writeFileSync(
    key,
    JSON.stringify({ client_email: personal('robot'), private_key: secret('key') }),
  );
  const pulls = {
    GMAIL_PUBSUB_SUBSCRIPTION: 'projects/sim/subscriptions/syncline',
    GOOGLE_APPLICATION_CREDENTIALS: key,
  };
  await Promise.all([
    ...mistakes.map((mistake) => refusedWith('cli', mistake, ['verify', people.leaver.email])),
    refusedWith('api', { ...pulls, GOOGLE_PROJECTS_FILE: key }, []),
  ]);
}

async function refusedWith(
  program: Program,
  mistake: Record<string, string>,
  args: string[],
): Promise<void> {
  const refused = startProgram(program, { ...world.env, ...mistake }, args);
  const { code, stdout, stderr } = await exited(refused);
  keep('commands', withoutOwnAddresses(stdout), withoutOwnAddresses(stderr));
  expect([mistake, code, stderr]).toEqual([mistake, 1, expect.stringMatching(/./)]);
}

/** A removal, and a grant that its user withdraws. */
async function endings(): Promise<void> {
  const { leaver, revoked } = people;
  await world.control.fault({ kind: 'revoke-grant', email: revoked.email });
  await printed('sync', [revoked.email], null);
  await world.control.fault({
    kind: 'token-503',
    email: leaver.email,
    count: 1,
    quote: quoteOf(canaries),
  });
  await printed('accounts remove', [leaver.email, '--yes'], null);
  await until('the grant is found revoked, and the removal is done', async () =>
    (
      await world.rows<{ state: string }>(
        "SELECT state FROM syncline.accounts WHERE email = ANY($1) AND state <> 'reauth_required'",
        [[leaver.email, revoked.email]],
      )
    ).map(({ state }) => state),
  );
  await printed('accounts list', ['--json']);
}

async function checkStores(): Promise<void> {
  columns = [...(columns ?? []), ...(await columnsOf(world.database.pool))];
  keep('redis', await redisContent(redisUrl));
  keep('statements', await statementsOf(world.database.pool));
  keep('redis files', await redisFiles(redisUrl, redisFolder));
}

// --- the search ---

function keep(sink: string, ...texts: string[]): void {
  sinks.set(sink, [...(sinks.get(sink) ?? []), ...texts]);
}

function leaksOf(sink: string, kinds?: readonly Kind[]): Leak[] {
  return canaries.leaksIn((sinks.get(sink) ?? []).join('\n'), kinds);
}

function expectClean(sink: string, leastBytes: number, kinds?: readonly Kind[]): void {
  expect(leaksOf(sink, kinds)).toEqual([]);
  // An almost empty sink means that it was not read.
  expect(bytesOf(sinks.get(sink) ?? [])).toBeGreaterThan(leastBytes);
}

const bytesOf = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);

/** Commands whose purpose is to print the mirror. */
const PRINT_THE_MIRROR = ['export', 'instances', 'source', 'attachment'];

/** Runs a command and keeps what it printed. @param code null accepts any exit code */
async function printed(command: string, args: string[], code: number | null = 0): Promise<void> {
  const result = await world.cli(...command.split(' '), ...args);
  keep(
    PRINT_THE_MIRROR.includes(command) ? 'exports' : 'commands',
    withoutOwnAddresses(result.stdout),
  );
  // The operator's own addresses are allowed in messages to the operator, and not in log lines.
  for (const line of result.stderr.split('\n'))
    keep('commands', line.startsWith('{') ? line : withoutOwnAddresses(line));
  if (code !== null)
    expect([command, result.code, result.stderr]).toEqual([command, code, expect.anything()]);
}

function withoutOwnAddresses(text: string): string {
  let rest = text;
  for (const address of ownAddresses) rest = rest.replaceAll(address, '[own address]');
  return rest;
}

/** The engine's columns that may hold addresses of accounts; the id of a primary calendar is an address. */
const ADDRESS_COLUMNS = [
  'accounts.email',
  'accounts.address',
  'account_aliases.address',
  'watches.address',
  'identity_keys.value',
  'collections.external_id',
  'changes.calendar_id',
  'changes.entity_id',
  // While a full sync of a calendar list runs.
  'full_sync_items.item_id',
];

function isOwnAddressIn(column: string, value: string): boolean {
  return ADDRESS_COLUMNS.includes(column) && ownAddresses.has(value);
}

/** Google's own position token, opaque to us, may hold the name of the collection. */
function withoutSyncToken(column: string, value: string): string {
  return column === 'collections.cursor' ? value.replaceAll(/"syncToken": "[^"]*"/g, '') : value;
}

interface StoredJob {
  name: string;
  data: Record<string, unknown>;
  failedReason?: string;
  returnvalue: unknown;
}

/** The jobs of every queue in every state, as BullMQ reads them. */
async function allJobs(): Promise<StoredJob[]> {
  const found: StoredJob[] = [];
  await withClient(redisUrl, async (connection) => {
    for (const name of QUEUE_NAMES) {
      const queue = new Queue(name, { connection, prefix: `syncline:{${name}}` });
      const jobs = await queue.getJobs([
        'completed',
        'failed',
        'delayed',
        'waiting',
        'active',
        'prioritized',
      ]);
      // Between two reads a job may have gone.
      for (const job of jobs) if (job) found.push(job.toJSON() as unknown as StoredJob);
    }
  });
  return found;
}

/** A job with more data than ours have. */
async function plantJob(leak: string): Promise<void> {
  await withClient(redisUrl, async (connection) => {
    const queue = new Queue('watch', { connection, prefix: 'syncline:{watch}' });
    await queue.add('sync', { v: 1, leak }, { jobId: leak, delay: 3_600_000 });
  });
}

async function statementsWith(leak: string): Promise<string> {
  const client = await world.database.pool.connect();
  try {
    await client.query(`SELECT '${leak}'`);
    return await statementsOf(world.database.pool);
  } finally {
    client.release();
  }
}

/** Waits until `what` has nothing left to wait for, and fails with what it still waits for. */
async function until(
  what: string,
  left: () => Promise<string[]>,
  timeoutMs = 60_000,
): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; ;) {
    const waiting = await left();
    if (waiting.length === 0) return;
    if (performance.now() > deadline)
      throw new Error(`not within ${timeoutMs} ms: ${what}; left: ${waiting.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
