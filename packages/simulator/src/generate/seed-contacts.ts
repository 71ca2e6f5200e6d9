/** Generated contacts, other contacts and groups, with names of many scripts. */
import type { AddressBook } from '../people/address-book.js';
import type { EnteredFields, FieldItem } from '../people/fields.js';
import type { Prng } from '../prng.js';
import { PEOPLE, PLACES } from './phrases.js';

/**
 * Fills an empty address book, in the order of time: groups, contacts, and half as many other
 * contacts.
 */
export function seedContacts(
  book: AddressBook,
  prng: Prng,
  count: number,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): void {
  if (count === 0) return;
  const others = Math.floor(count / 2);
  const stepMs = Math.max(1, Math.floor((toMs - fromMs) / (count + others + GROUP_NAMES.length)));
  let atMs = fromMs;
  const next = (): number => (atMs += stepMs);
  for (const name of GROUP_NAMES) book.addGroup(name, next());
  for (let n = 0; n < count; n++) {
    const groups = prng.chance(0.4) ? [prng.pick(book.userGroups()).body.id] : [];
    book.addContact(contactFields(prng), next(), {
      groups: prng.chance(0.2) ? [...groups, 'starred'] : groups,
    });
  }
  for (let n = 0; n < others; n++) book.addOther(otherContactFields(prng), next());
}

/** Returns a plausible contact. Some have no name, some nothing but a number. */
export function contactFields(prng: Prng): EnteredFields {
  const dice = prng.next();
  const person = personOf(prng);
  const fields: EnteredFields = {
    ...(dice < 0.93 ? { names: [person.name] } : {}),
    ...(dice < 0.03 ? {} : { emailAddresses: addressesOf(prng, person.address) }),
    ...(prng.chance(0.6) || dice < 0.03 ? { phoneNumbers: numbersOf(prng) } : {}),
  };
  return { ...fields, ...detailsOf(prng) };
}

/** Other contacts are made from correspondence: an address, and often a name. */
export function otherContactFields(prng: Prng): EnteredFields {
  const { name, address } = personOf(prng);
  return {
    ...(prng.chance(0.7) ? { names: [name] } : {}),
    emailAddresses: [{ value: address }],
  };
}

/** Returns one change that users make: a number, a job, a note, a birthday, another name. */
export function contactPatch(prng: Prng, fields: EnteredFields): EnteredFields {
  const dice = prng.next();
  if (dice < 0.35) return { phoneNumbers: numbersOf(prng) };
  if (dice < 0.6) return { organizations: [organizationOf(prng)] };
  if (dice < 0.75) return { biographies: [noteOf(prng)] };
  if (dice < 0.85) return { birthdays: fields.birthdays === undefined ? [birthdayOf(prng)] : [] };
  return { names: [personOf(prng).name] };
}

export function groupName(prng: Prng): string {
  return `${prng.pick(GROUP_NAMES)} ${prng.hex(6)}`;
}

function personOf(prng: Prng): { name: FieldItem; address: string } {
  if (prng.chance(0.2)) {
    const { name, address } = prng.pick(PEOPLE);
    return { name: { unstructuredName: name === '' ? address : name }, address };
  }
  const [givenName, familyName] = [prng.pick(GIVEN_NAMES), prng.pick(FAMILY_NAMES)];
  return {
    name: { givenName, familyName },
    address: `contact.${prng.hex(8)}@${prng.pick(DOMAINS)}`,
  };
}

function addressesOf(prng: Prng, address: string): FieldItem[] {
  const first = { value: address, type: prng.pick(['home', 'work', 'other']) };
  return prng.chance(0.25)
    ? [first, { value: `second.${prng.hex(6)}@${prng.pick(DOMAINS)}`, type: 'Büro 🏢' }]
    : [first];
}

function numbersOf(prng: Prng): FieldItem[] {
  const first = { value: `+49 30 ${prng.digits(4)} ${prng.digits(3)}`, type: 'mobile' };
  return prng.chance(0.2) ? [first, { value: `0${prng.digits(6)}`, type: 'work' }] : [first];
}

function detailsOf(prng: Prng): EnteredFields {
  return {
    ...(prng.chance(0.4) ? { organizations: [organizationOf(prng)] } : {}),
    ...(prng.chance(0.2) ? { birthdays: [birthdayOf(prng)] } : {}),
    ...(prng.chance(0.2) ? { addresses: [addressOf(prng)] } : {}),
    ...(prng.chance(0.2) ? { biographies: [noteOf(prng)] } : {}),
    ...(prng.chance(0.1) ? { urls: [{ value: 'https://blog.example/', type: 'blog' }] } : {}),
    ...(prng.chance(0.1) ? { nicknames: [{ value: `Nick ${prng.hex(3)}` }] } : {}),
    ...(prng.chance(0.1)
      ? { relations: [{ person: prng.pick(GIVEN_NAMES), type: 'spouse' }] }
      : {}),
    ...(prng.chance(0.1) ? { userDefined: [{ key: 'Customer', value: prng.digits(6) }] } : {}),
  };
}

function organizationOf(prng: Prng): FieldItem {
  return { name: prng.pick(ORGANIZATIONS), title: prng.pick(TITLES), type: 'work' };
}

/** Many birthdays have no year. */
function birthdayOf(prng: Prng): FieldItem {
  const [month, day] = [prng.between(1, 12), prng.between(1, 28)];
  const year = prng.between(1940, 2005);
  return prng.chance(0.5)
    ? { date: { year, month, day }, text: `${month}/${day}/${year}` }
    : { date: { month, day }, text: `${month}/${day}` };
}

function addressOf(prng: Prng): FieldItem {
  const formattedValue = prng.pick(PLACES);
  return { formattedValue, streetAddress: formattedValue, countryCode: 'DE', type: 'home' };
}

function noteOf(prng: Prng): FieldItem {
  return { value: `${prng.pick(NOTES)} (${prng.hex(4)})`, contentType: 'TEXT_PLAIN' };
}

const GROUP_NAMES: readonly string[] = ['Clients', 'Équipe', 'コーラス部'];
const GIVEN_NAMES: readonly string[] = [
  'Ada',
  'Søren',
  'Zoë',
  'דנה',
  'أحمد',
  '太郎',
  "D'Arcy",
  'María José',
  'Ilse-Marie',
  'Jean',
];
const FAMILY_NAMES: readonly string[] = [
  'Moreau',
  'Ærø',
  'van der Berg',
  'לוי',
  'منصور',
  '山田',
  'Wójcik',
  "O'Connor",
  'Łukasiewicz 📒',
  'Smith',
];
const DOMAINS: readonly string[] = ['atelier.example', 'werk.example', 'sakura.example'];
const ORGANIZATIONS: readonly string[] = ['Atelier & Co.', 'Werk GmbH', '桜株式会社', 'Liffey Ltd'];
const TITLES: readonly string[] = ['Engineer', 'Directrice', '部長', 'Sales'];
const NOTES: readonly string[] = [
  'Met at the conference.\nCall in spring.',
  'Prefers mail – 次回まで',
  'Speaks «français» & English',
];
