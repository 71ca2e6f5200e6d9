/**
 * Every answer of the simulated People API against googleapis' types, since there is no discovery
 * document of it here: no unknown field, and every field of the declared type.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv';
import {
  parseSync,
  type Declaration,
  type ModuleItem,
  type TsInterfaceDeclaration,
  type TsPropertySignature,
  type TsType,
} from '@swc/core';
import { startSimulator, type Simulator } from '@syncline/simulator';
import { Client, type Json } from '../../packages/simulator/test-support/client.js';

const TYPES = path.resolve(
  __dirname,
  '../../node_modules/googleapis/build/src/apis/people/v1.d.ts',
);
const BASE = 'https://people.example/';

const ajv = new Ajv({ strict: false, allErrors: true });
for (const [name, schema] of Object.entries(schemas())) ajv.addSchema(schema, `${BASE}${name}`);

/** The interfaces `Schema$…` of the types as JSON Schemas without other properties. */
function schemas(): Record<string, object> {
  const { body } = parseSync(readFileSync(TYPES, 'utf8'), { syntax: 'typescript' });
  const [module] = body.map(declared).filter((one) => one.type === 'TsModuleDeclaration');
  if (module?.body?.type !== 'TsModuleBlock') throw new Error('the types have no namespace');
  const interfaces = module.body.body
    .map(declared)
    .filter((one) => one.type === 'TsInterfaceDeclaration')
    .filter(({ id }) => id.value.startsWith('Schema$'));
  return Object.fromEntries(interfaces.map(schemaOfInterface));
}

function declared(item: ModuleItem): ModuleItem | Declaration {
  return item.type === 'ExportDeclaration' ? item.declaration : item;
}

function schemaOfInterface({ id, body }: TsInterfaceDeclaration): [string, object] {
  const properties = body.body.filter((one) => one.type === 'TsPropertySignature').map(propertyOf);
  return [
    id.value,
    {
      type: 'object',
      properties: Object.fromEntries(properties),
      additionalProperties: false,
    },
  ];
}

function propertyOf({ key, typeAnnotation }: TsPropertySignature): [string, object] {
  if (key.type !== 'Identifier' && key.type !== 'StringLiteral')
    throw new Error('a property has no name');
  if (typeAnnotation === undefined) throw new Error('a property has no type');
  return [key.value, schemaOf(typeAnnotation.typeAnnotation)];
}

/** `null` is never served. */
function schemaOf(type: TsType): object {
  switch (type.type) {
    case 'TsKeywordType':
      return type.kind === 'any' ? {} : { type: type.kind };
    case 'TsArrayType':
      return { type: 'array', items: schemaOf(type.elemType) };
    case 'TsUnionType': {
      const [only, ...more] = type.types.filter((one) => !isNull(one));
      if (only === undefined || more.length > 0) throw new Error('a union has several types');
      return schemaOf(only);
    }
    case 'TsTypeReference':
      if (type.typeName.type !== 'Identifier') throw new Error('a type has a qualified name');
      return type.typeName.value === 'Array'
        ? { type: 'array' }
        : { $ref: `${BASE}${type.typeName.value}` };
    case 'TsTypeLiteral':
      return { type: 'object' };
    default:
      throw new Error(`no schema for ${type.type}`);
  }
}

function isNull(type: TsType): boolean {
  return type.type === 'TsKeywordType' && type.kind === 'null';
}

let checked = 0;
let simulator: Simulator;
let client: Client;

beforeEach(async () => {
  simulator = await startSimulator({
    accounts: 1,
    messagesPerAccount: 0,
    contactsPerAccount: 120,
    scopes: ['contacts.readonly', 'contacts.other.readonly'],
    quota: { enforce: false },
  });
  client = await Client.signIn(simulator.url, simulator.accounts()[0]!.refreshToken);
  checked = 0;
});
afterEach(() => simulator.close());

function check(schema: string, value: unknown, what: string): void {
  const validate = ajv.getSchema(`${BASE}Schema$${schema}`);
  if (validate === undefined) throw new Error(`no schema ${schema}`);
  if (validate(value) !== true)
    throw new Error(`${what} is no ${schema}: ${ajv.errorsText(validate.errors)}`);
  checked += 1;
}

async function checked200(schema: string, address: string): Promise<Json> {
  const answer = await client.get(address);
  expect([address, answer.status]).toEqual([address, 200]);
  check(schema, answer.json, address);
  return answer.json;
}

const FIELDS =
  'addresses,biographies,birthdays,emailAddresses,events,memberships,metadata,names,nicknames,occupations,organizations,phoneNumbers,photos,relations,urls,userDefined';
const CONTACTS = `/v1/people/me/connections?personFields=${FIELDS}&requestSyncToken=true&pageSize=1000`;
const OTHERS =
  '/v1/otherContacts?readMask=names,emailAddresses,phoneNumbers,photos,metadata&requestSyncToken=true&pageSize=1000';
const GROUPS =
  '/v1/contactGroups?groupFields=clientData,groupType,memberCount,metadata,name&pageSize=1000';
const LISTS = [
  ['ListConnectionsResponse', CONTACTS],
  ['ListOtherContactsResponse', OTHERS],
  ['ListContactGroupsResponse', GROUPS],
] as const;

test('lists, what changed in them, and single people and groups', async () => {
  const tokens: string[] = [];
  for (const [schema, address] of LISTS)
    tokens.push((await checked200(schema, address)).nextSyncToken);
  simulator.actAtRandom(600);
  for (const [index, [schema, address]] of LISTS.entries()) {
    const changes = await checked200(
      schema,
      `${address}&syncToken=${encodeURIComponent(tokens[index] ?? '')}`,
    );
    const items = changes.connections ?? changes.otherContacts ?? changes.contactGroups;
    expect(items.some((one: Json) => one.metadata.deleted === true)).toBe(true);
  }
  const { connections } = await checked200('ListConnectionsResponse', CONTACTS);
  for (const { resourceName } of connections.slice(0, 30))
    await checked200('Person', `/v1/${resourceName}?personFields=${FIELDS}`);
  await checked200(
    'GetPeopleResponse',
    `/v1/people:batchGet?personFields=${FIELDS}&resourceNames=${connections[0].resourceName}&resourceNames=people/c1`,
  );
  const { contactGroups } = await checked200('ListContactGroupsResponse', GROUPS);
  for (const { resourceName } of contactGroups)
    await checked200('ContactGroup', `/v1/${resourceName}?maxMembers=10`);
  await checked200(
    'BatchGetContactGroupsResponse',
    `/v1/contactGroups:batchGet?resourceNames=contactGroups/starred&resourceNames=contactGroups/none`,
  );
  expect(checked).toBeGreaterThan(45);
});

test('a person that breaks the types is refused', () => {
  expect(() => {
    check('Person', { resourceName: 5 }, 'this');
  }).toThrow('this is no Person');
  expect(() => {
    check('Person', { names: [{ surprise: true }] }, 'this');
  }).toThrow('this is no Person');
});
