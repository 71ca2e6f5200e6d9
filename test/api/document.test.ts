import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DOCUMENT } from '../support/api-contract.js';
import { startApi, type ApiWorld } from '../support/api-world.js';

/* What others' tools say of the OpenAPI document, and the page that shows it. */

const ROOT = path.resolve(__dirname, '../..');

let world: ApiWorld;
let directory: string;
let file: string;
beforeAll(async () => {
  world = await startApi();
  directory = mkdtempSync(path.join(tmpdir(), 'syncline-openapi-'));
  file = path.join(directory, 'openapi.json');
  writeFileSync(file, JSON.stringify(DOCUMENT));
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await world.close();
});

test('the document is valid by the schema of OpenAPI 3.1', () => {
  const script = `import { readFileSync } from 'node:fs';
    import { Validator } from '@seriousme/openapi-schema-validator';
    const result = await new Validator().validate(JSON.parse(readFileSync(process.argv[1], 'utf8')));
    console.log(JSON.stringify(result));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script, file],
    { cwd: ROOT, encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({ valid: true });
});

test('Redocly finds no error and no warning', () => {
  const { stdout } = spawnSync(
    process.execPath,
    [
      'node_modules/@redocly/cli/bin/cli.js',
      'lint',
      file,
      '--format=json',
      '--config',
      'test/api/redocly.yaml',
    ],
    {
      cwd: ROOT,
      encoding: 'utf8',
      env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    },
  );
  const { totals, problems } = JSON.parse(stdout.slice(stdout.indexOf('{'))) as {
    totals: { errors: number; warnings: number };
    problems: unknown[];
  };
  expect([problems, totals.errors + totals.warnings]).toEqual([[], 0]);
});

test('/openapi.json gives the document that the tests check', async () => {
  const { json } = await world.send('GET', '/openapi.json');
  expect(json).toEqual(JSON.parse(JSON.stringify(DOCUMENT)));
});

test('the page loads files of its own origin only, and allows nothing else', async () => {
  const page = await world.send('GET', '/docs', { headers: { Accept: 'text/html,*/*;q=0.1' } });
  const csp = page.headers.get('content-security-policy') ?? '';
  expect(csp).toMatch(/^default-src 'none'; script-src 'self';/);
  expect(page.text).not.toMatch(/<script>|https?:|\son\w+=/);
  const loaded = [...page.text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => String(name));
  expect(loaded).toEqual(['docs/page.css', 'openapi.json', 'docs/page.js']);
  for (const name of loaded) {
    const { status, headers } = await world.send('GET', `/${name}`);
    expect([name, status, headers.get('x-content-type-options')]).toEqual([name, 200, 'nosniff']);
  }
});
