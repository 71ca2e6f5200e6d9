/** Parts of requests and answers that several routes share. */
import { z } from 'zod';
import { CURSOR_LIMIT } from './cursor.js';

/** A time, RFC 3339 in UTC with milliseconds. */
export const time = z.iso.datetime({ precision: 3 });

/** A time in a request: RFC 3339, with any offset. */
export const instant = z.iso.datetime({ offset: true });

/** Longest id of Google's that the mirror stores. */
export const ID_LIMIT = 1_280;

/** The query of a list. */
export const page = {
  limit: z.int().min(1).max(500).default(50).meta({ description: 'Most rows of a page.' }),
  cursor: z
    .string()
    .min(1)
    .max(CURSOR_LIMIT)
    .optional()
    .meta({ description: 'The `next` of the page before. Refused with other filters.' }),
};

/** Longest time that a request waits. */
const WAIT_LIMIT_S = 25;

/** `?wait=25s`: the request waits for its result for so long. */
export const wait = {
  wait: z
    .string()
    .regex(/^(?:[0-9]|1[0-9]|2[0-5])s$/, `must be a time from 0s to ${WAIT_LIMIT_S}s`)
    .optional()
    .meta({ description: 'Wait for the result for so long.', examples: ['25s'] }),
};

/** The milliseconds of a `wait`. */
export function waitMs(given: string | undefined): number {
  return given === undefined ? 0 : Number.parseInt(given, 10) * 1_000;
}

/** The body of every list. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    data: z.array(item),
    next: z
      .string()
      .nullable()
      .meta({ description: 'The cursor of the next page. Only null is the end.' }),
  });
}

export const noQuery = z.strictObject({});
export const noParams = z.object({});

/** The path of everything of one account. */
export const accountParams = z.object({
  id: z.uuid().meta({ description: 'The id of the account.' }),
});

/** A name without control characters, which no terminal prints and Postgres may not store. */
export function text(limit: number) {
  return z
    .string()
    .min(1)
    .max(limit)
    .regex(/^[^\u0000-\u001f\u007f]*$/, 'must not contain control characters')
    .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');
}

export const tenant = text(200).refine(
  (value) => value.trim() === value,
  'must not begin or end with white space',
);

export const email = z
  .string()
  .max(320)
  .regex(/^[^\s@\u0000-\u001f\u007f]+@[^\s@\u0000-\u001f\u007f]+$/, 'must be an address')
  .refine((value) => value.isWellFormed(), 'must be well-formed Unicode');
