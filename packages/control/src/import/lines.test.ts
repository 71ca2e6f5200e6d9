import { LINE_LIMIT_BYTES, type RawLine, linesOf, readImportLine } from './lines.js';

const TOKEN = '1//secret-refresh-token';

function line(fields: object): Buffer {
  return Buffer.from(JSON.stringify(fields));
}

async function linesFrom(...chunks: (string | Buffer)[]): Promise<RawLine[]> {
  async function* content(): AsyncGenerator<string | Buffer> {
    yield* chunks;
  }
  const lines: RawLine[] = [];
  for await (const found of linesOf(content())) lines.push(found);
  return lines;
}

describe('a line of an import', () => {
  it('is an account without resources when the line names none', () => {
    expect(readImportLine(line({ email: 'a@example.com', refreshToken: TOKEN }))).toEqual({
      kind: 'account',
      account: {
        email: 'a@example.com',
        refreshToken: TOKEN,
        tenant: 'default',
      },
    });
  });

  it('may name its tenant and its resources', () => {
    expect(
      readImportLine(
        line({
          email: 'ü@exämple.com',
          refreshToken: TOKEN,
          tenant: 'acme corp',
          resources: ['calendar'],
        }),
      ),
    ).toEqual({
      kind: 'account',
      account: {
        email: 'ü@exämple.com',
        refreshToken: TOKEN,
        tenant: 'acme corp',
        resources: ['calendar'],
      },
    });
  });

  it('may name a delegation in place of a token', () => {
    expect(readImportLine(line({ email: 'a@example.com', delegation: 'acme' }))).toEqual({
      kind: 'account',
      account: {
        email: 'a@example.com',
        refreshToken: null,
        delegation: 'acme',
        tenant: 'default',
      },
    });
  });

  it('may name a Google project, and only one that is configured', () => {
    const named = line({ email: 'a@example.com', refreshToken: TOKEN, project: 'b' });
    expect(readImportLine(named, ['default', 'b'])).toMatchObject({
      kind: 'account',
      account: { project: 'b' },
    });
    expect(readImportLine(named)).toEqual({
      kind: 'refused',
      problem: 'project is not one that is configured; known are default (GOOGLE_PROJECTS_FILE)',
    });
  });

  it.each([
    ['nothing', ''],
    ['spaces', '  \t '],
    ['the rest of a Windows line end', '\r'],
  ])('may be blank: %s', (_what, text) => {
    expect(readImportLine(Buffer.from(text))).toEqual({ kind: 'blank' });
  });

  it.each<[string, Buffer | null, string]>([
    ['too long', null, 'is longer than 64 KB'],
    ['not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'is not UTF-8'],
    ['not JSON', Buffer.from(`{"refreshToken":"${TOKEN}"`), 'is not JSON'],
    ['an array', Buffer.from('[]'), 'is not a JSON object'],
    ['null', Buffer.from('null'), 'is not a JSON object'],
    ['a string', Buffer.from(`"${TOKEN}"`), 'is not a JSON object'],
    ['without email', line({ refreshToken: TOKEN }), 'has no email'],
    [
      'an email that is none',
      line({ email: 'a.example.com', refreshToken: TOKEN }),
      'email is not an address',
    ],
    [
      'an email with a line break',
      line({ email: 'a@b\n.c', refreshToken: TOKEN }),
      'email is not an address',
    ],
    [
      'an email that is a number',
      line({ email: 7, refreshToken: TOKEN }),
      'email is not an address',
    ],
    [
      'an endless email',
      line({ email: `${'a'.repeat(320)}@b.c`, refreshToken: TOKEN }),
      'email is not an address',
    ],
    ['without token', line({ email: 'a@b.c' }), 'has no refreshToken'],
    [
      'an empty token',
      line({ email: 'a@b.c', refreshToken: '' }),
      'refreshToken is not a token: printable characters without spaces',
    ],
    [
      'a token with a space',
      line({ email: 'a@b.c', refreshToken: `${TOKEN} x` }),
      'refreshToken is not a token: printable characters without spaces',
    ],
    [
      'a token and a delegation',
      line({ email: 'a@b.c', refreshToken: TOKEN, delegation: 'acme' }),
      'has both refreshToken and delegation',
    ],
    [
      'a delegation with a project',
      line({ email: 'a@b.c', delegation: 'acme', project: 'default' }),
      'has a project, which an account with a delegation has from it',
    ],
    [
      'a delegation without a name',
      line({ email: 'a@b.c', delegation: ' ' }),
      'delegation is not a name of 1 to 200 characters',
    ],
    [
      'an empty tenant',
      line({ email: 'a@b.c', refreshToken: TOKEN, tenant: '' }),
      'tenant is not a name of 1 to 200 characters',
    ],
    [
      'a tenant that is null',
      line({ email: 'a@b.c', refreshToken: TOKEN, tenant: null }),
      'tenant is not a name of 1 to 200 characters',
    ],
    [
      'a tenant with NUL',
      line({ email: 'a@b.c', refreshToken: TOKEN, tenant: 'a\0b' }),
      'tenant is not a name of 1 to 200 characters',
    ],
    [
      'no resources',
      line({ email: 'a@b.c', refreshToken: TOKEN, resources: [] }),
      'resources is not a list of gmail, calendar, contacts',
    ],
    [
      'an unknown resource',
      line({ email: 'a@b.c', refreshToken: TOKEN, resources: ['drive'] }),
      'resources is not a list of gmail, calendar, contacts',
    ],
    [
      'an unknown key',
      line({ email: 'a@b.c', refresh_token: TOKEN }),
      '"refresh_token" is not a key of an account; known are email, refreshToken, delegation, tenant, resources, project',
    ],
    [
      'a token where a key should be',
      line({ [TOKEN]: 1 }),
      'something is not a key of an account; known are email, refreshToken, delegation, tenant, resources, project',
    ],
  ])('is refused when it is %s', (_what, bytes, problem) => {
    expect(readImportLine(bytes)).toEqual({ kind: 'refused', problem });
  });

  it('is never quoted in what is wrong with it', () => {
    const bad = [
      `{"email":"a@b.c","refreshToken":"${TOKEN}`,
      TOKEN,
      `{"email":"${TOKEN}","refreshToken":1}`,
      `{"${TOKEN}":{}}`,
    ];
    const reported = JSON.stringify(bad.map((text) => readImportLine(Buffer.from(text))));
    expect(reported).toContain('refused');
    expect(reported).not.toContain('secret');
  });
});

describe('the lines of a stream', () => {
  const textOf = (lines: RawLine[]): (string | null)[] =>
    lines.map(({ bytes }) => bytes && bytes.toString());

  it('are put together over chunks, and numbered from 1', async () => {
    const lines = await linesFrom('on', 'e\ntw', 'o\n\nfour');
    expect(textOf(lines)).toEqual(['one', 'two', '', 'four']);
    expect(lines.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  });

  it('end with the last line end', async () => {
    expect(textOf(await linesFrom('one\n'))).toEqual(['one']);
    expect(await linesFrom('')).toEqual([]);
  });

  it('are not cut inside of a character', async () => {
    const bytes = Buffer.from('ü\n');
    expect(textOf(await linesFrom(bytes.subarray(0, 1), bytes.subarray(1)))).toEqual(['ü']);
  });

  it('are dropped above the limit, and the next one is read', async () => {
    const long = 'x'.repeat(LINE_LIMIT_BYTES);
    expect(textOf(await linesFrom(long, '\n', long, 'x', long, '\nnext\n'))).toEqual([
      long,
      null,
      'next',
    ]);
  });
});
