import { randomBytes } from 'node:crypto';
import { exited, lineOf, startProgram, stopAll, type Program } from '../support/processes.js';

/* What every program refuses at its start, and what an operator may allow. Nothing is connected to here. */

const INSECURE = {
  DATABASE_URL: 'postgresql://hunter2@db.invalid/mirror?sslmode=disable',
  REDIS_URL: 'redis://hunter2@cache.invalid:6379',
  GOOGLE_API_URL: 'http://google.invalid',
  SYNCLINE_MASTER_KEY: randomBytes(32).toString('base64'),
};
const LOOPBACK = {
  DATABASE_URL: 'postgresql://syncline@127.0.0.1:9/mirror',
  REDIS_URL: 'redis://127.0.0.1:9',
  GOOGLE_API_URL: 'http://127.0.0.1:9',
};
const ALWAYS_REFUSED = {
  SYNCLINE_MASTER_KEY: Buffer.alloc(32).toString('base64'),
  NODE_TLS_REJECT_UNAUTHORIZED: '0',
};
const EVERYTHING = {
  SYNCLINE_ALLOW_INSECURE: 'postgres,postgres-password,redis,redis-password,google-url',
};

const PROGRAMS: { program: Program; args: string[] }[] = [
  { program: 'scheduler', args: [] },
  { program: 'worker', args: [] },
  { program: 'api', args: [] },
  { program: 'cli', args: ['migrate'] },
  { program: 'cli', args: ['up'] },
  { program: 'cli', args: ['demo'] },
  { program: 'cli', args: ['accounts', 'list'] },
  { program: 'cli', args: ['verify', 'ada@example.com'] },
];

afterEach(stopAll);

test.each(PROGRAMS)(
  'S15: $program $args refuses plaintext and password-less servers beyond loopback, unchecked certificates and a guessable master key, each in one sentence',
  async ({ program, args }) => {
    const { code, stdout, stderr } = await exited(
      startProgram(program, { ...INSECURE, ...ALWAYS_REFUSED }, args),
    );
    expect([code, stdout]).toEqual([1, '']);
    expect(sentences(stderr)).toEqual([
      expect.stringMatching(/^NODE_TLS_REJECT_UNAUTHORIZED must not be 0: .*NODE_EXTRA_CA_CERTS$/),
      expect.stringMatching(/^SYNCLINE_MASTER_KEY must not be all zero/),
      expect.stringMatching(/^DATABASE_URL must ask for TLS beyond loopback.*sslmode=verify-full/),
      expect.stringMatching(/^DATABASE_URL must have a password beyond loopback.*PGPASSWORD/),
      expect.stringMatching(/^REDIS_URL must begin with rediss: .*beyond loopback/),
      expect.stringMatching(/^REDIS_URL must have a password beyond loopback/),
      expect.stringMatching(/^GOOGLE_API_URL must be https beyond loopback/),
    ]);
    expect(stderr).not.toMatch(/hunter2|\n\s+at /);
  },
  30_000,
);

test.each(PROGRAMS.slice(0, 4))(
  'S15: $program $args refuses unchecked certificates and a guessable master key on loopback too, whatever is allowed',
  async ({ program, args }) => {
    const { code, stderr } = await exited(
      startProgram(program, { ...LOOPBACK, ...ALWAYS_REFUSED, ...EVERYTHING }, args),
    );
    expect([code, sentences(stderr)]).toEqual([
      1,
      [
        expect.stringMatching(/^NODE_TLS_REJECT_UNAUTHORIZED must not be 0/),
        expect.stringMatching(/^SYNCLINE_MASTER_KEY must not be all zero/),
      ],
    ]);
  },
  30_000,
);

test.each(PROGRAMS.slice(0, 4))(
  'S15: $program $args starts with what SYNCLINE_ALLOW_INSECURE names, and logs it',
  async ({ program, args }) => {
    const child = startProgram(program, { ...INSECURE, ...EVERYTHING }, args);
    for (const kind of ['postgres', 'postgres-password', 'redis', 'redis-password', 'google-url']) {
      const line = await lineOf(child, (text) => text.includes(`"kind":"${kind}"`), 30_000);
      expect(JSON.parse(line)).toMatchObject({
        level: 'warn',
        event: 'insecure_allowed',
        msg: expect.stringContaining('SYNCLINE_ALLOW_INSECURE: '),
      });
    }
  },
  60_000,
);

function sentences(stderr: string): string[] {
  return stderr
    .split('\n')
    .filter((line) => line.startsWith('  - '))
    .map((line) => line.slice('  - '.length));
}
