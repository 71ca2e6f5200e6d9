import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Argument, Command, Option } from 'commander';
import { buildProgram } from '../../apps/cli/src/program.js';
import { LOG_FIELDS } from '../../packages/runtime/src/log-fields.js';
import { createMetrics } from '../../packages/runtime/src/metrics.js';
import { VARIABLES } from '../../packages/runtime/src/variables.js';
import { ROOT } from './compose.js';

/*
 * The generated parts of docs/reference, as Markdown. Each is between two comments of its page:
 * `<!-- generated: NAME -->` and `<!-- end -->`.
 */

const PAGES = {
  commands: 'docs/reference/cli.md',
  'log fields': 'docs/reference/errors.md',
  metrics: 'docs/reference/metrics.md',
  tables: 'docs/reference/tables.md',
} as const;

export type Part = keyof typeof PAGES;
export const PARTS = Object.keys(PAGES) as Part[];

/**
 * Returns the page's text and the generated text. With UPDATE_REFERENCE the page is written first.
 */
export async function compared(part: Part, env = process.env): Promise<[string, string]> {
  const file = path.join(ROOT, PAGES[part]);
  const expected = `\n\n${(await GENERATORS[part]()).trim()}\n\n`;
  if (env['UPDATE_REFERENCE'])
    writeFileSync(file, readFileSync(file, 'utf8').replace(between(part), `$1${expected}$3`));
  return [between(part).exec(readFileSync(file, 'utf8'))?.[2] ?? '', expected];
}

/** Returns every variable for operators, with its default as text; null where it has none. */
export function variables(): Map<string, string | null> {
  return new Map(
    Object.entries(VARIABLES.shape)
      .filter(([name]) => !/^[a-z]|^NODE_|^SYNCLINE_TEST_/.test(name))
      .map(([name, schema]) => {
        const parsed = schema.safeParse(undefined);
        return [name, parsed.success && parsed.data !== undefined ? String(parsed.data) : null];
      }),
  );
}

const GENERATORS: Record<Part, () => string | Promise<string>> = {
  commands: commandsText,
  'log fields': logFieldsText,
  metrics: metricsText,
  tables: tablesText,
};

function between(part: Part): RegExp {
  return new RegExp(`(<!-- generated: ${part} -->)([^]*?)(<!-- end -->)`);
}

async function commandsText(): Promise<string> {
  const program = await buildProgram();
  return leaves(program)
    .map(({ name, command }) => commandText(name, command))
    .join('\n\n');
}

interface Leaf {
  name: string;
  command: Command;
}

/** Returns every command with an action, with its full name. */
function leaves(command: Command, prefix = ''): Leaf[] {
  return command.commands.flatMap((sub) => {
    const name = `${prefix}${sub.name()}`;
    const below = leaves(sub, `${name} `);
    return below.length === 0 || sub.options.length > 0
      ? [{ name, command: sub }, ...below]
      : below;
  });
}

function commandText(name: string, command: Command): string {
  const operands = command.registeredArguments.map(operandText);
  const lines = [
    `### ${name}`,
    `\`syncline ${[name, ...operands].join(' ')}\``,
    sentence(command.description()),
  ];
  const rows = [
    ...command.registeredArguments
      .filter(({ description }) => description)
      .map((argument) => [operandText(argument), argument.description]),
    ...command.options.filter(({ hidden }) => !hidden).map((option) => optionRow(option)),
  ];
  return [...lines, ...(rows.length > 0 ? [table(['option', 'meaning'], rows)] : [])].join('\n\n');
}

function operandText(argument: Argument): string {
  const name = `${argument.name().toUpperCase()}${argument.variadic ? '…' : ''}`;
  return argument.required ? name : `[${name}]`;
}

function optionRow({ flags, description, argChoices, ...option }: Option): [string, string] {
  const choices = argChoices ? ` (${argChoices.join(', ')})` : '';
  const hasDefault = option.defaultValue !== undefined && typeof option.defaultValue !== 'boolean';
  const byDefault = hasDefault
    ? `; default ${option.defaultValueDescription ?? String(option.defaultValue)}`
    : '';
  return [flags, `${description}${choices}${byDefault}`];
}

async function metricsText(): Promise<string> {
  const metrics = await createMetrics().registry.getMetricsAsJSON();
  const labels = labelsByMetric();
  return table(
    ['metric', 'type', 'labels', 'meaning'],
    metrics.map(({ name, type, help }) => [
      name,
      String(type),
      (labels.get(name) ?? []).map((label) => `\`${label}\``).join(', '),
      help,
    ]),
  );
}

/**
 * Reads the names of labels from a private field of each metric; prom-client does not export them.
 */
function labelsByMetric(): Map<string, readonly string[]> {
  return new Map(
    createMetrics()
      .registry.getMetricsAsArray()
      .map((metric) => [
        metric.name,
        (metric as unknown as { labelNames: readonly string[] }).labelNames,
      ]),
  );
}

function logFieldsText(): string {
  return table(
    ['field', 'form'],
    Object.entries(LOG_FIELDS).map(([field, form]) => [field, FORMS[form]]),
  );
}

const FORMS: Record<(typeof LOG_FIELDS)[keyof typeof LOG_FIELDS], string> = {
  value: 'a number, a time, or true and false',
  name: 'a name or an id',
  text: 'a short text of the program',
  texts: 'a list of at most 50',
  counts: 'numbers by name',
  error: "an error's name, code, status, table and constraint; at debug and trace its stack frames",
};

/** Returns every table by its name, with the comments of Prisma's schema. */
function tablesText(): string {
  const folder = path.join(ROOT, 'prisma/schema');
  return readdirSync(folder)
    .toSorted()
    .map((file) => readFileSync(path.join(folder, file), 'utf8'))
    .flatMap((schema) => [...schema.matchAll(/((?:^\/\/\/.*\n)*)^model \w+ \{\n([^]*?)^\}/gm)])
    .map(([, comment = '', body = '']) => modelText(comment, body))
    .toSorted()
    .join('\n\n');
}

function modelText(comment: string, body: string): string {
  const name = /@@map\("(\w+)"\)/.exec(body)?.[1] ?? '';
  const key = /@@id\(\[([^\]]*)\]\)/.exec(body)?.[1]?.split(', ') ?? [];
  const rows: [string, string, string][] = [];
  let pending: string[] = [];
  for (const line of body.split('\n').map((text) => text.trim())) {
    if (line.startsWith('///')) pending.push(line.slice(3).trim());
    else {
      const row = columnRow(line, key, pending.join(' '));
      if (row) rows.push(row);
      pending = [];
    }
  }
  const about = comment.replaceAll(/^\/\/\/ ?/gm, '').replaceAll('\n', ' ');
  return [`### ${name}`, about.trim(), table(['column', 'type', 'meaning'], rows)].join('\n\n');
}

const SQL_TYPES: Readonly<Record<string, string>> = {
  BigInt: 'bigint',
  Boolean: 'boolean',
  Bytes: 'bytea',
  DateTime: 'timestamptz',
  Int: 'integer',
  Json: 'jsonb',
  String: 'text',
};

/** Returns null for relations, indexes and blank lines. */
function columnRow(
  line: string,
  key: readonly string[],
  meaning: string,
): [string, string, string] | null {
  const matched = /^(\w+)\s+(\w+)(\[\]|\?)?/.exec(line);
  const base = SQL_TYPES[matched?.[2] ?? ''];
  if (!matched || base === undefined) return null;
  const [, field = '', , suffix] = matched;
  const column = /@map\("(\w+)"\)/.exec(line)?.[1] ?? field;
  const isKey = key.includes(field) || line.includes(' @id');
  return [column, typeText(nativeType(line) ?? base, suffix, isKey), meaning];
}

function nativeType(line: string): string | undefined {
  return /@db\.(Uuid|Date|SmallInt)\b/.exec(line)?.[1]?.toLowerCase();
}

function typeText(type: string, suffix: string | undefined, isKey: boolean): string {
  return [
    suffix === '[]' ? `${type}[]` : type,
    ...(isKey ? ['key'] : []),
    ...(suffix === '?' ? ['or null'] : []),
  ].join(', ');
}

/** Returns a Markdown table; the first cell of each row is code. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(head),
    `|${head.map(() => '---|').join('')}`,
    ...rows.map(([first = '', ...rest]) =>
      line([`\`${first}\``, ...rest.map((cell) => cell.replaceAll('|', '\\|'))]),
    ),
  ].join('\n');
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}
