/** What stands in the windows, read without charging. */
import type { Api } from './costs.js';
import { dayBound } from './day-budget.js';
import { type Ledger, keyOfDay, keysOf, limitsOf, run, today } from './quota-process.js';
import { SCRIPTS } from './quota-scripts.js';

const USAGE_CHUNK = 200;

export interface Used {
  used: number;
  limit: number;
  /** Above 0 while Google's refusal keeps this closed. */
  closedForMs: number;
  /** Percent of the limit that is used at most since Google refused something; 100 is the rule. */
  pacePercent: number;
}

/** Gmail's units of the Pacific day; backfills, and catch-up, stay away once the day has seen their bound. */
export interface DayUsed {
  day: string;
  used: number;
  limit: number;
  backfillBound: number;
  catchUpBound: number;
  endsInMs: number;
}

/** Units (Gmail) and requests (Calendar) in the current minute's window, and Gmail's units of the Pacific day. */
export interface QuotaUsage {
  gmail: { project: Used; day: DayUsed; users: Record<string, Used> };
  calendar: { project: Used; users: Record<string, Used> };
}

export async function usageIn(ledger: Ledger, users: string[]): Promise<QuotaUsage> {
  const [gmail, calendar] = [
    await usageOf(ledger, 'gmail', users),
    await usageOf(ledger, 'calendar', users),
  ];
  const { day, endsInMs } = today(ledger);
  const used = Number((await run(ledger, SCRIPTS.day, [keyOfDay(ledger, 'gmail', day)], []))[2]);
  const limit = ledger.options.limits.gmailUnitsPerProjectDay;
  const bounds = {
    backfillBound: dayBound('backfill', limit, endsInMs),
    catchUpBound: dayBound('catch-up', limit, endsInMs),
  };
  return { gmail: { ...gmail, day: { day, used, limit, ...bounds, endsInMs } }, calendar };
}

async function usageOf(
  ledger: Ledger,
  api: Api,
  users: string[],
): Promise<{ project: Used; users: Record<string, Used> }> {
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
