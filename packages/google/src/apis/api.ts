import type { Config } from '@syncline/runtime';

export type Quotas = Config['quotas'];
/** Google's price list for a project. */
export type Tier = 'new' | 'legacy';

/** What the transport and the governor need to know about an API. */
export interface ApiFacts<Method extends string> {
  /** Google's name of the API. */
  title: string;
  /** The unit that its quota counts. */
  counts: 'units' | 'requests';
  origin: string;
  /** A call that succeeds for every account with a valid grant, for 1 unit or one request. */
  witness: { method: Method; path: string };
  /**
   * Methods that carry a sync position, with the status that means that the position has expired.
   */
  syncPositionStatus: Readonly<Partial<Record<Method, number>>>;
  /** How the calls of a shared user may be in flight unrecorded: 1 in batches, 2 one by one. */
  sharedCalls: 1 | 2;
  /** 0 for the day means no limit. */
  limits(quotas: Quotas): [user: number, project: number, day: number];
  /** Each quota with its variable and the least value that the most expensive single call needs. */
  least(quotas: Quotas): [variable: string, value: number, needed: number][];
}

/** One method of an API: its price by project tier, and the largest allowed answer in bytes. */
export interface MethodFacts {
  units: Readonly<Record<Tier, number>>;
  answerBytes: number;
}
