import type { Config } from '@syncline/runtime';

export type Quotas = Config['quotas'];
/** Google's price list for a project. */
export type Tier = 'new' | 'legacy';

/** What the transport and the governor know of an API. */
export interface ApiFacts<Method extends string> {
  /** What Google calls it. */
  title: string;
  /** What its quota counts. */
  counts: 'units' | 'requests';
  origin: string;
  /** What an account with a living grant is always answered: 1 unit, or one request. */
  witness: { method: Method; path: string };
  /** Methods that carry a sync position, with the status that declares it dead. */
  syncPositionStatus: Readonly<Partial<Record<Method, number>>>;
  /** How a shared user's calls may be under way unnoted: in batches, or one by one. */
  sharedCalls: 1 | 2;
  /** A day of 0 is one without a limit. */
  limits(quotas: Quotas): [user: number, project: number, day: number];
  /** The quotas below which the dearest single call can never be made. */
  least(quotas: Quotas): [variable: string, value: number, needed: number][];
}

/** One method of an API: its price by project tier, and how large an answer may be, in bytes. */
export interface MethodFacts {
  units: Readonly<Record<Tier, number>>;
  answerBytes: number;
}
