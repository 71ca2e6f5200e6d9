import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadConfig } from './config.js';
import { ConfigError } from './errors.js';

let dir: string;
beforeAll(() => (dir = mkdtempSync(path.join(tmpdir(), 'syncline-projects-'))));
afterAll(() => rmSync(dir, { recursive: true }));

function configWith(content: unknown, env: NodeJS.ProcessEnv = {}) {
  const file = path.join(dir, 'projects.json');
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return loadConfig(
    { GOOGLE_CLIENT_ID: 'id', GOOGLE_CLIENT_SECRET: 'secret', GOOGLE_PROJECTS_FILE: file, ...env },
    '/checkout',
  );
}

function problemsOf(content: unknown, env: NodeJS.ProcessEnv = {}): string[] {
  try {
    configWith(content, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('each project has its own client, and its own limits where it names them', () => {
  writeFileSync(path.join(dir, 'b-secret'), 'of-b\n');
  const { google, quotas } = configWith(
    [
      {
        name: 'b',
        clientId: 'client-b',
        clientSecretFile: 'b-secret',
        gmailUnitsPerProjectDay: 5_000_000,
        gmailQuotaTier: 'legacy',
      },
      { name: 'c', clientId: 'client-c', clientSecret: 'of-c' },
    ],
    { GMAIL_UNITS_PER_USER_MINUTE: '9000' },
  );
  expect(google.projects).toEqual([
    {
      name: 'b',
      clientId: 'client-b',
      clientSecret: 'of-b',
      quotas: { ...quotas, gmailUnitsPerProjectDay: 5_000_000, gmailTier: 'legacy' },
    },
    { name: 'c', clientId: 'client-c', clientSecret: 'of-c', quotas },
  ]);
  expect(quotas).toMatchObject({ gmailUnitsPerUserMinute: 9_000, gmailTier: 'new' });
});

const GOOD = { name: 'b', clientId: 'client-b', clientSecret: 'hunter2' };

test.each<[string, unknown, string]>([
  ['text', 'hunter2', 'must hold a JSON list of at most 100 projects'],
  ['no list', GOOD, 'must hold a JSON list of at most 100 projects'],
  ['an entry that is none', ['hunter2'], 'entry 1: must be an object'],
  [
    'an unknown key',
    [{ ...GOOD, hunter2: 1 }],
    'entry 1: knows no key but name, clientId, clientSecret, clientSecretFile, gmailUnitsPerUserMinute, gmailUnitsPerProjectMinute, gmailUnitsPerProjectDay, calendarRequestsPerUserMinute, calendarRequestsPerProjectMinute, peopleRequestsPerUserMinute, peopleRequestsPerProjectMinute, gmailQuotaTier, gmailPubsubTopic, gmailPubsubSubscription',
  ],
  [
    'a name that is none',
    [{ ...GOOD, name: '{hunter2}' }],
    'entry 1: name must be 1 to 31 characters of a-z, 0-9 and -',
  ],
  [
    'a name twice',
    [GOOD, GOOD],
    'entry 2: the name is taken; "default" is the project of GOOGLE_CLIENT_ID',
  ],
  [
    'the name of the plain client',
    [{ ...GOOD, name: 'default' }],
    'entry 1: the name is taken; "default" is the project of GOOGLE_CLIENT_ID',
  ],
  ['no client', [{ ...GOOD, clientId: undefined }], 'entry 1: clientId must be a text'],
  [
    'no secret',
    [{ ...GOOD, clientSecret: undefined }],
    'entry 1: needs one of clientSecret and clientSecretFile',
  ],
  [
    'two secrets',
    [{ ...GOOD, clientSecretFile: 'hunter2' }],
    'entry 1: needs one of clientSecret and clientSecretFile',
  ],
  [
    'a secret file that is not there',
    [{ ...GOOD, clientSecret: undefined, clientSecretFile: 'hunter2' }],
    'entry 1: clientSecretFile names a file that cannot be read (ENOENT)',
  ],
  [
    'a topic that is none',
    [{ ...GOOD, gmailPubsubTopic: 'hunter2' }],
    'entry 1: gmailPubsubTopic must look like projects/P/topics/T',
  ],
  [
    'a subscription that is none',
    [
      {
        ...GOOD,
        gmailPubsubTopic: 'projects/b/topics/t',
        gmailPubsubSubscription: 'projects/b/topics/hunter2',
      },
    ],
    'entry 1: gmailPubsubSubscription must look like projects/P/subscriptions/S',
  ],
  [
    'a subscription without a topic',
    [{ ...GOOD, gmailPubsubSubscription: 'projects/b/subscriptions/s' }],
    'entry 1: gmailPubsubSubscription needs gmailPubsubTopic: without it nothing is published there',
  ],
  [
    'a limit in words',
    [{ ...GOOD, gmailUnitsPerProjectDay: '80M' }],
    'entry 1: gmailUnitsPerProjectDay must be a whole number of at least 1',
  ],
])('%s is refused by its place, and nothing of it is quoted', (_, content, problem) => {
  const problems = problemsOf(content);
  expect(problems.join()).not.toContain('hunter2');
  expect(problems).toEqual([`GOOGLE_PROJECTS_FILE ${problem}`]);
});

test('a file that is not there is one mistake among the others', () => {
  expect(problemsOf([], { GOOGLE_PROJECTS_FILE: '/nowhere/projects.json', PORT: 'http' })).toEqual([
    expect.stringMatching(/^PORT /),
  ]);
  expect(problemsOf([], { GOOGLE_PROJECTS_FILE: '/nowhere/projects.json' })).toEqual([
    'GOOGLE_PROJECTS_FILE names a file that cannot be read (ENOENT)',
  ]);
});

test('a project’s own topic and subscription are used, and pulling from it requires the key file', () => {
  const notified = {
    ...GOOD,
    gmailPubsubTopic: 'projects/b/topics/t',
    gmailPubsubSubscription: 'projects/b/subscriptions/s',
  };
  const { push, google } = configWith([notified, { ...GOOD, name: 'c' }]);
  expect(push).toMatchObject({
    topic: null,
    projectTopics: { b: 'projects/b/topics/t' },
    projectSubscriptions: ['projects/b/subscriptions/s'],
  });
  expect(google.projects[0]).toMatchObject({ topic: 'projects/b/topics/t' });
  expect(configWith([GOOD]).push).toBeNull();
  const file = path.join(dir, 'projects.json');
  writeFileSync(file, JSON.stringify([notified]));
  const hears = (): unknown =>
    loadConfig({ GOOGLE_API_URL: 'http://127.0.0.1:1', GOOGLE_PROJECTS_FILE: file }, '/checkout', [
      'notifications',
    ]);
  expect(hears).toThrow(
    'GOOGLE_APPLICATION_CREDENTIALS is required with a gmailPubsubSubscription of GOOGLE_PROJECTS_FILE',
  );
});
