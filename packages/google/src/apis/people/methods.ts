import { MB, WHOLE_MESSAGES } from '../../answer-sizes.js';
import type { ApiFacts, MethodFacts } from '../api.js';

const request = (answerBytes: number): MethodFacts => ({
  units: { new: 1, legacy: 1 },
  answerBytes,
});

/**
 * The People methods that Syncline calls. Google counts requests per user and minute, for any page
 * size, under two metrics: "Critical read requests (Contact and Profile Reads)" and "Read requests
 * (Contact Group Reads)" (named by developers.google.com/people/v1/contacts). Here both share one
 * limit.
 */
export const PEOPLE_METHODS = {
  // 1,000 people with up to 100 addresses, 100 numbers and a biography each.
  'people.people.connections.list': request(WHOLE_MESSAGES),
  'people.people.get': request(MB),
  'people.otherContacts.list': request(16 * MB),
  'people.contactGroups.list': request(4 * MB),
  'people.contactGroups.get': request(MB),
} as const satisfies Record<string, MethodFacts>;

export type PeopleMethod = keyof typeof PEOPLE_METHODS;

export const PEOPLE_API: ApiFacts<PeopleMethod> = {
  title: 'People',
  counts: 'requests',
  origin: 'https://people.googleapis.com',
  witness: { method: 'people.contactGroups.list', path: '/v1/contactGroups?pageSize=1' },
  // A 400 with ErrorInfo says that a sync token has expired; see people.ts.
  syncPositionStatus: {},
  sharedCalls: 2,
  limits: (quotas) => [
    quotas.peopleRequestsPerUserMinute,
    quotas.peopleRequestsPerProjectMinute,
    0,
  ],
  least: (quotas) => [
    ['PEOPLE_REQUESTS_PER_USER_MINUTE', quotas.peopleRequestsPerUserMinute, 1],
    ['PEOPLE_REQUESTS_PER_PROJECT_MINUTE', quotas.peopleRequestsPerProjectMinute, 2],
  ],
};
