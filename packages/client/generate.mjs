#!/usr/bin/env node
/**
 * Writes the generated sources of the client: `node generate.mjs DIRECTORY < openapi.json`.
 *
 * - `schema.ts`: the types of every operation and body, by openapi-typescript.
 * - `operations.ts`: a table of the operations, an interface with a method for each, and the types
 *   of problems.
 *
 * A method is named by its operation's id, `messages.list`. It takes the parameters of the path in
 * their order, then one object with the parameters of the query and the fields of the body.
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import openapiTypescript, { astToString } from 'openapi-typescript';

const HEAD =
  '/* Generated from the route table; test/conformance/client-generated.test.ts has the command. */\n';
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const JSON_MEDIA = 'application/json';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: node generate.mjs DIRECTORY < openapi.json');
const document = JSON.parse(await text(process.stdin));
writeFileSync(path.join(directory, 'schema.ts'), await schemaSource(document));
writeFileSync(path.join(directory, 'operations.ts'), operationsSource(document));

async function schemaSource(api) {
  // A field of a request that has a default may be left out.
  const nodes = await openapiTypescript(withOneProblem(api), { defaultNonNullable: false });
  return `${HEAD}\n${astToString(nodes)}`;
}

/** All problems have one form: written out for every status they would be most of the types. */
function withOneProblem(api) {
  const copy = structuredClone(api);
  for (const methods of Object.values(copy.paths))
    for (const operation of Object.values(methods)) {
      const { responses } = operation;
      const answers = Object.entries(responses).filter(([status]) => status.startsWith('2'));
      const [problem] = Object.values(responses).filter((one) => one['x-syncline-problems']);
      operation.responses = Object.fromEntries(
        [...answers, ...(problem ? [['default', problem]] : [])].map(
          ([status, { headers: _headers, ...response }]) => [status, response],
        ),
      );
    }
  return copy;
}

function operationsSource(api) {
  const operations = operationsOf(api);
  return [
    HEAD,
    "import type { CallOptions, Input, List, Output } from '../types.js';",
    "import type { components } from './schema.js';",
    '',
    table(operations),
    problemTypes(api),
    schemaTypes(api),
    ...interfaces(operations),
    '',
  ].join('\n');
}

/** Operations that need a key: the others are files for browsers. */
function operationsOf(api) {
  return Object.entries(api.paths)
    .flatMap(([route, methods]) =>
      METHODS.filter((method) => methods[method] !== undefined).map((method) =>
        operationOf(route, method, methods[method]),
      ),
    )
    .filter(({ isOpen }) => !isOpen)
    .sort((one, other) => (one.id < other.id ? -1 : 1));
}

function operationOf(route, method, { operationId: id, ...operation }) {
  const query = (operation.parameters ?? []).filter((one) => one.in === 'query');
  const body = operation.requestBody?.content[JSON_MEDIA]?.schema;
  refuseMixture(id, query, body);
  return {
    id,
    path: route,
    method: method.toUpperCase(),
    isOpen: (operation.security ?? []).length === 0,
    query: query.map(({ name }) => name),
    hasBody: body !== undefined,
    isInputNeeded: query.some(({ required }) => required) || (body?.required ?? []).length > 0,
    isJson: successes(operation).every(({ content = {} }) => content[JSON_MEDIA] !== undefined),
    words: [operation.summary, operation.description].filter(Boolean),
  };
}

function successes({ responses }) {
  return Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .map(([, response]) => response);
}

/** Query and body are one object of the method. */
function refuseMixture(id, query, body) {
  if (body === undefined) return;
  if (body.type !== 'object') throw new Error(`${id} takes no object`);
  const both = query.filter(({ name }) => name in (body.properties ?? {}));
  if (both.length > 0) throw new Error(`${id} has ${both[0].name} in its query and in its body`);
}

function table(operations) {
  const rows = operations.map(
    ({ id, method, path: route, query, hasBody, isJson }) =>
      `  '${id}': ${JSON.stringify({ method, path: route, query, hasBody, isJson })},`,
  );
  return [
    '/** What a request of each operation is made of. */',
    `export const OPERATIONS = {\n${rows.join('\n')}\n} as const;\n`,
    'export type OperationId = keyof typeof OPERATIONS;\n',
  ].join('\n');
}

function problemTypes(api) {
  const types = Object.values(api.paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ responses = {} }) =>
      Object.values(responses).flatMap((response) => response['x-syncline-problems'] ?? []),
    ),
  );
  const sorted = [...new Set(types)].sort();
  return [
    '/** The problems that the API answers with. Later versions may add some. */',
    `export type ProblemType =\n${sorted.map((type) => `  | '${type}'`).join('\n')};\n`,
  ].join('\n');
}

function schemaTypes(api) {
  return Object.keys(api.components.schemas)
    .sort()
    .map((name) => `export type ${name} = components['schemas']['${name}'];`)
    .join('\n')
    .concat('\n');
}

function interfaces(operations) {
  const groups = Map.groupBy
    ? Map.groupBy(operations, ({ id }) => id.split('.')[0])
    : grouped(operations);
  const sources = [...groups].map(
    ([group, members]) =>
      `export interface ${typeName(group)} {\n${members.map(methodSource).join('\n')}\n}\n`,
  );
  const fields = [...groups.keys()].map((group) => `  ${group}: ${typeName(group)};`);
  return [
    ...sources,
    `/** A method for each operation of the API. */\nexport interface Operations {\n${fields.join('\n')}\n}`,
  ];
}

function grouped(operations) {
  const groups = new Map();
  for (const one of operations) {
    const [group] = one.id.split('.');
    groups.set(group, [...(groups.get(group) ?? []), one]);
  }
  return groups;
}

function typeName(group) {
  return `${group[0].toUpperCase()}${group.slice(1)}Operations`;
}

function methodSource({ id, path: route, query, isInputNeeded, words }) {
  const names = [...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const inPath = route.startsWith('/v1/accounts/{id}/') ? ['account', ...names.slice(1)] : names;
  const input = `input${isInputNeeded ? '' : '?'}: Input<'${id}'>`;
  const args = [...inPath.map((name) => `${name}: string`), input, 'options?: CallOptions'];
  const result = query.includes('cursor') ? `List<'${id}'>` : `Promise<Output<'${id}'>>`;
  const comment = words.map((word) => `   * ${word.replaceAll('*/', '* /')}`).join('\n   *\n');
  return `  /**\n${comment}\n   */\n  ${id.split('.')[1]}(${args.join(', ')}): ${result};`;
}
