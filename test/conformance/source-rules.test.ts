import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** What the linter's rules cannot say. Each rule comes with a line that breaks it, so that the rule itself is tested. */
const RULES = [
  {
    name: 'the present time comes from rt.clock',
    forbidden: /\bnew Date\(\s*\)|\bperformance\.now\(|\bprocess\.hrtime\b/,
    example: 'const now = new Date();',
    exempt: /^packages\/(runtime|simulator)\//,
  },
  {
    name: 'imports are written as imports, where the linter sees them',
    forbidden: /\brequire\(['"]/,
    example: "const pg = require('pg');",
    exempt: /^$/,
  },
  {
    name: 'no rule is switched off in passing',
    forbidden: /(eslint|oxlint)-disable|@ts-(ignore|nocheck|expect-error)/,
    example: '// oxlint-disable-next-line',
    exempt: /^$/,
  },
  {
    name: 'what is printed goes through the output that is complete before a process ends',
    forbidden: /\bprocess\.(stdout|stderr)\.write\(|\bconsole\.\w+\(/,
    example: "process.stdout.write('text');",
    exempt: /^packages\/simulator\/|^packages\/runtime\/src\/signals\.ts$/,
  },
  {
    name: 'a process ends where its output is flushed',
    forbidden: /\bprocess\.exit\(/,
    example: 'process.exit(1);',
    exempt:
      /^(packages\/runtime\/src\/(process|signals|load-failure)|packages\/simulator\/src\/end-process|apps\/cli\/src\/output)\.ts$/,
  },
  {
    name: 'what Google says of a next page is read in paging.ts alone, which knows when a listing has no end',
    forbidden: /\bbody\.nextPageToken\b/,
    example: 'const next = body.nextPageToken;',
    exempt: /^packages\/(google\/src\/paging\.ts|simulator\/)/,
  },
  {
    name: 'a table that is looked up by words is a Map: every object has a `constructor`',
    forbidden: /^(?:export )?const [A-Z_]+: (?:Readonly<|Partial<)*Record<string,/,
    example: "const REASONS: Readonly<Record<string, string>> = { notFound: 'gone' };",
    // Lists that are shown or gone through, and never looked up.
    exempt: /^packages\/(?:simulator\/src\/control\/help|runtime\/src\/redis\/rights)\.ts$/,
  },
  {
    name: 'an object is not filled by words of others: `__proto__` would be lost, or become its prototype',
    forbidden: /\bconst \w+: Record<string, [^=]*> = \{\}/,
    example: 'const kept: Record<string, unknown> = {};',
    // The columns of our own tables, on the path of every page.
    exempt: /^packages\/store\/src\/storable\.ts$/,
  },
  {
    name: 'the text of a foreign error is not printed: describeError returns what may be printed',
    forbidden: /\b(?:String\((?:error|err|cause)\)|(?:error|err|cause)\.stack\b)/,
    example: 'log(String(error));',
    exempt: /^packages\/(?:simulator\/|runtime\/src\/describe-error\.ts$)/,
  },
  {
    name: 'commands parse and render: what they ask of the store is in packages/control',
    forbidden: /\bstore\.(?!feed\.name\(\))\w/,
    example: 'await store.accounts.list();',
    // Other packages; what opens and closes the store.
    exempt: /^(?!apps\/cli\/)|^apps\/cli\/src\/(?:demo\/environment|command|with-google)\.ts/,
  },
  {
    name: 'scripts for Redis are .lua files',
    forbidden: /\bredis\.call\(/,
    example: "const GET = `return redis.call('GET', KEYS[1])`;",
    exempt: /^$/,
  },
  {
    name: 'nothing is left for later',
    forbidden: /\b(TODO|FIXME|XXX)\b/,
    example: '// TODO: think',
    exempt: /^$/,
  },
];

const ROOT = path.resolve(__dirname, '..', '..');
const SOURCES = ['packages', 'apps'].flatMap((folder) =>
  foldersIn(folder).flatMap((name) => sourcesBelow(`${folder}/${name}/src`)),
);

function foldersIn(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name);
}

function sourcesBelow(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(
      (file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('generated'),
    )
    .map((file) => `${folder}/${file}`);
}

test.each(RULES)('$name', ({ forbidden, example, exempt }) => {
  expect(example).toMatch(forbidden);
  const broken = SOURCES.filter((file) => !exempt.test(file)).flatMap((file) =>
    readFileSync(path.join(ROOT, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        forbidden.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [],
      ),
  );
  expect(broken).toEqual([]);
});

test('the rules are asked of every package and app', () => {
  for (const folder of [
    'packages/google',
    'packages/store',
    'packages/sync',
    'packages/fleet',
    'apps/worker',
    'apps/cli',
  ]) {
    expect(SOURCES.some((file) => file.startsWith(`${folder}/src/`))).toBe(true);
  }
});
