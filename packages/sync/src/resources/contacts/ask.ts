import type { Person } from '@syncline/google';
import { askEach, type Asked } from '../../evidence/ask.js';
import type { StepContext } from '../../step.js';

/** @throws GoogleError when too few names are answered, or the account's quota or grant ends */
export function askForContacts({ google }: StepContext, names: readonly string[]): Promise<Asked> {
  return askEach(names, async (name) => isContact(await google.people.contact(name), name));
}

/** @throws GoogleError when too few names are answered, or the account's quota or grant ends */
export function askForGroups({ google }: StepContext, names: readonly string[]): Promise<Asked> {
  return askEach(names, async (name) => {
    const group = await google.people.contactGroup(name);
    return group !== null && group.metadata?.deleted !== true;
  });
}

/** Google has no call for one other contact: only a second listing can confirm their absence. */
export function askForOtherContacts(): Promise<Asked> {
  return Promise.resolve({ alive: 0, gone: 0 });
}

/** Google answers a former name with the person's present name, and the name of a profile too. */
function isContact(person: Person | null, name: string): boolean {
  if (person?.resourceName !== name || person.metadata?.deleted === true) return false;
  const sources: unknown = person.metadata?.sources;
  return Array.isArray(sources) && sources.some(isOfContact);
}

function isOfContact(source: unknown): boolean {
  return (
    typeof source === 'object' && source !== null && 'type' in source && source.type === 'CONTACT'
  );
}
