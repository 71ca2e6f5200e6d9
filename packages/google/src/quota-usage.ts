/** The usage of the windows, read without charging. */
import { API_NAMES, DAY_LIMITED, type Api, type ByApi } from './apis/facts.js';
import { dayBound } from './day-budget.js';
import { type Ledger, keyOfDay, keysOf, limitsOf, run, today } from './quota-process.js';
import { SCRIPTS } from './quota-scripts.js';

const USAGE_CHUNK = 200;

export interface Used {
  used: number;
  limit: number;
  /** Above 0 while Google's refusal keeps the window closed. */
  closedForMs: number;
  /** The largest usable percentage of the limit since Google refused a call; 100 normally. */
  pacePercent: number;
}

/**
 * Gmail units of the Pacific day. The bulk and onboarding lanes wait once the day has reached their
 * bound.
 */
export interface DayUsed {
  day: string;
  used: number;
  limit: number;
  bulkBound: number;
  onboardingBound: number;
  endsInMs: number;
}

/** The usage of an API in the current window of a minute. */
interface MinuteUsage {
  project: Used;
  users: Record<string, Used>;
}

/** Units (Gmail) and requests (Calendar), and Gmail units of the Pacific day. */
export type QuotaUsage = ByApi<MinuteUsage, { day: DayUsed }>;

export async function usageIn(ledger: Ledger, users: string[]): Promise<QuotaUsage> {
  const usage: Partial<Record<Api, MinuteUsage>> = {};
  for (const api of API_NAMES) usage[api] = await usageOf(ledger, api, users);
  const { day, endsInMs } = today(ledger);
  const used = Number(
    (await run(ledger, SCRIPTS.day, [keyOfDay(ledger, DAY_LIMITED, day)], []))[2],
  );
  const [, , limit] = limitsOf(ledger.options.limits, DAY_LIMITED);
  const bounds = {
    bulkBound: dayBound('bulk', limit, endsInMs),
    onboardingBound: dayBound('onboarding', limit, endsInMs),
  };
  const ofDay = { day: { day, used, limit, ...bounds, endsInMs } };
  return { ...usage, [DAY_LIMITED]: { ...usage[DAY_LIMITED], ...ofDay } } as QuotaUsage;
}

async function usageOf(ledger: Ledger, api: Api, users: string[]): Promise<MinuteUsage> {
  const [userLimit, projectLimit] = limitsOf(ledger.options.limits, api);
  const all: Used[] = [];
  const asked = [null, ...users];
  for (let i = 0; i < asked.length; i += USAGE_CHUNK) {
    const keys = asked.slice(i, i + USAGE_CHUNK).flatMap((user) => keysOf(ledger, { api, user }));
    const reply = await run(ledger, SCRIPTS.usage, keys, []);
    for (let r = 2; r + 2 < reply.length; r += 3) {
      all.push({
        used: Number(reply[r]),
        limit: all.length === 0 ? projectLimit : userLimit,
        closedForMs: Number(reply[r + 1]),
        pacePercent: Number(reply[r + 2]),
      });
    }
  }
  const [project = { used: 0, limit: projectLimit, closedForMs: 0, pacePercent: 100 }, ...perUser] =
    all;
  return {
    project,
    users: Object.fromEntries(users.flatMap((user, i) => (perUser[i] ? [[user, perUser[i]]] : []))),
  };
}
