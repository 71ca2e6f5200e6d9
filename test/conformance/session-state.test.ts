import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

/*
 * Nothing may live in a session of Postgres: a pooler gives the server connection to another client between two transactions
 * (docs/decisions/0013-transaction-pooling.md). Each rule comes with lines that break it, so that the rule itself is tested.
 */

const RULES = [
  {
    name: 'no settings of a session: SET is SET LOCAL',
    // The SET of an UPDATE begins a line.
    forbidden:
      /([`';]\s*|")(SET|RESET)\s+(SESSION\b|TIME ZONE\b|ROLE\b|ALL\b|[a-z_.]+\s+(=|TO)\s)|^\s*(SET|RESET)\s+(SESSION\b|TIME ZONE\b|ROLE\b|search_path\b|[a-z_]+_timeout\b)/,
    examples: [`query("SET statement_timeout = 5")`, `'SET TIME ZONE UTC'`, '`RESET SESSION x`'],
    allowed: [`'SET LOCAL statement_timeout = 5'`, 'SET CONSTRAINTS ALL IMMEDIATE'],
  },
  {
    name: 'no settings for the rest of a session by set_config',
    forbidden: /set_config\((?!.*,\s*true\s*\))/,
    examples: [`SELECT set_config('a', 'b', false)`],
    allowed: [`SELECT set_config('a', 'b', true)`],
  },
  {
    name: 'no startup parameters, which poolers refuse',
    // Of `application_name` a pooler keeps account.
    forbidden:
      /\b(options:\s*['"`]\s*-c|statement_timeout:|lock_timeout:|idle_in_transaction_session_timeout:)/,
    examples: ["options: '-c timezone=UTC'", 'statement_timeout: 5'],
    allowed: ['options: { }'],
  },
  {
    name: 'no advisory locks of a session',
    forbidden: /\bpg_(try_)?advisory_(lock|unlock)/,
    examples: [
      'SELECT pg_advisory_lock(1)',
      'pg_try_advisory_lock($1)',
      'pg_advisory_unlock_all()',
    ],
    allowed: ['SELECT pg_advisory_xact_lock(1)', 'pg_try_advisory_xact_lock(1)'],
  },
  {
    name: 'no notifications, temporary tables, held cursors or PREPARE',
    forbidden:
      /\b(UNLISTEN|LISTEN\s+[a-z"]|NOTIFY\s+[a-z"]|pg_notify\(|CREATE\s+(GLOBAL\s+|LOCAL\s+)?TEMP(ORARY)?\b|INTO\s+TEMP\b|WITH\s+HOLD\b|DISCARD\s+(ALL|PLANS|TEMP)|DEALLOCATE\b)|[`'"]PREPARE\s/,
    examples: [
      'LISTEN changes',
      "SELECT pg_notify('a', '')",
      'CREATE TEMP TABLE t',
      '`PREPARE x AS`',
    ],
    allowed: ['// Whoever prepares it', 'DECLARE twice TEXT;'],
  },
  {
    name: 'no value of the session’s last statement',
    forbidden: /\b(currval|lastval)\(/,
    examples: ["SELECT currval('s')"],
    allowed: ["SELECT nextval('s')"],
  },
];

const ROOT = path.resolve(__dirname, '..', '..');
/** Servers of our own, without a pooler. */
const EXEMPT = /^packages\/runtime\/src\/embedded\/|^packages\/simulator\//;
const SOURCES = [
  ...['packages', 'apps'].flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .flatMap(({ name }) => below(`${folder}/${name}/src`, '.ts')),
  ),
  ...below('prisma/migrations', '.sql'),
].filter((file) => !EXEMPT.test(file));

function below(folder: string, ending: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter(
      (file) =>
        file.endsWith(ending) && !file.endsWith('.test.ts') && !file.startsWith('generated'),
    )
    .map((file) => `${folder}/${file}`);
}

test.each(RULES)('$name', ({ forbidden, examples, allowed }) => {
  for (const example of examples) expect(example).toMatch(forbidden);
  for (const line of allowed) expect(line).not.toMatch(forbidden);
  const broken = SOURCES.flatMap((file) =>
    readFileSync(path.join(ROOT, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        forbidden.test(line) ? [`${file}:${index + 1} ${line.trim()}`] : [],
      ),
  );
  expect(broken).toEqual([]);
});

test('the rules are asked of the store and of the migrations', () => {
  for (const file of ['packages/store/src/pool.ts', 'packages/store/src/transaction.ts'])
    expect(SOURCES).toContain(file);
  expect(SOURCES.some((file) => file.startsWith('prisma/migrations/'))).toBe(true);
});
