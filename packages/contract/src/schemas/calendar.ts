import { z } from 'zod';
import { freshness } from '../freshness.js';
import { time } from '../parameters.js';

const googles = z.record(z.string(), z.unknown());

export const calendar = z
  .object({
    id: z.string(),
    summary: z.string().nullable(),
    timeZone: z.string().nullable(),
    accessRole: z.string().nullable(),
    isPrimary: z.boolean(),
    resource: googles.meta({ description: 'The entry of the calendar list as Google gives it.' }),
  })
  .meta({ id: 'Calendar' });

/** As `syncline export` gives it. */
export const event = z
  .object({
    calendarId: z.string(),
    event: googles.meta({ description: 'The event as Google last gave it.' }),
  })
  .meta({ id: 'Event' });

/** A single event, or an instance of a series. */
export const instance = z
  .object({
    calendarId: z.string(),
    event: googles.meta({
      description:
        'The event as Google gives it with `singleEvents=true`: an instance has the fields of its series that it has no own ones for.',
    }),
    start: time.meta({
      description:
        "The instant of its start; an all-day event begins at midnight of the calendar's zone.",
    }),
    end: time,
    masterId: z.string().nullable().meta({ description: 'The id of its series.' }),
    originalStart: time.nullable().meta({ description: 'When its series had it.' }),
  })
  .meta({ id: 'Instance' });

const interval = z.object({ start: time, end: time });

const busyAccount = z
  .object({
    accountId: z.uuid(),
    busy: z.array(interval).meta({ description: 'In order, without overlaps.' }),
    freshness: z.union([freshness, z.null()]).meta({ description: 'Null where nothing was read.' }),
    excluded: z
      .array(
        z.object({
          calendarId: z
            .string()
            .nullable()
            .meta({ description: 'As the request names it. Null: the whole account.' }),
          reason: z.enum(['no-account', 'no-calendar', 'too-much-work']),
        }),
      )
      .meta({ description: 'What the intervals do not have, and why.' }),
  })
  .meta({ id: 'BusyAccount' });

export const freeBusyAnswer = z
  .object({
    timeMin: time,
    timeMax: time,
    accounts: z.array(busyAccount).meta({ description: 'In the order of the request.' }),
    busy: z
      .array(interval)
      .nullable()
      .meta({ description: 'When any of the accounts is busy, with `merge`.' }),
  })
  .meta({ id: 'FreeBusy' });
