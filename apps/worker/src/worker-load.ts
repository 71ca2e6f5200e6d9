/** What a worker says of itself in its heartbeat: its slots, and the quota as Redis counts it. */
import type { Google } from '@syncline/google';
import type { WorkOptions } from '@syncline/fleet';
import type { Runtime } from '@syncline/runtime';
import type { ProcessLoad } from '@syncline/store';

type Handle = WorkOptions['handle'];
type QuotaLoad = NonNullable<ProcessLoad['quota']>;

export interface Slots {
  /** Counts the jobs that run. */
  counted(handle: Handle): Handle;
  load(): { all: number; busy: number };
}

export function openSlots(concurrency: WorkOptions['concurrency']): Slots {
  const all = Object.values(concurrency).reduce((sum, slots) => sum + slots, 0);
  let busy = 0;
  return {
    counted:
      (handle) =>
      async (...args) => {
        busy += 1;
        try {
          return await handle(...args);
        } finally {
          busy -= 1;
        }
      },
    load: () => ({ all, busy }),
  };
}

/** Returns the load; while Redis is away, without the quota. */
export async function workerLoad(
  rt: Pick<Runtime, 'log'>,
  slots: Slots,
  google: Pick<Google, 'projects' | 'quotaUsage'>,
): Promise<Partial<ProcessLoad>> {
  try {
    return { slots: slots.load(), quota: await quotaLoad(google) };
  } catch (error) {
    rt.log.debug(
      { event: 'quota_unread', err: error },
      'the quota of this minute could not be read for the figures of the fleet',
    );
    return { slots: slots.load() };
  }
}

async function quotaLoad(google: Pick<Google, 'projects' | 'quotaUsage'>): Promise<QuotaLoad> {
  const load: QuotaLoad = {};
  for (const project of google.projects)
    load[project] = quotaOf(await google.quotaUsage([], project));
  return load;
}

function quotaOf(usage: Awaited<ReturnType<Google['quotaUsage']>>): QuotaLoad[string] {
  return Object.fromEntries(
    Object.entries(usage).map(([api, { project, ...others }]) => [
      api,
      { minute: project, day: 'day' in others ? dayOf(others.day) : null },
    ]),
  );
}

function dayOf({
  used,
  limit,
  endsInMs,
}: {
  used: number;
  limit: number;
  endsInMs: number;
}): NonNullable<QuotaLoad[string][string]['day']> {
  return { used, limit, endsInMs };
}
