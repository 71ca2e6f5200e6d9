import { z } from 'zod';

/* Value formats that several parts of the configuration share. */

/** An integer value of a variable. */
export function whole(min: number, max: number) {
  const inRange = (text: string): boolean =>
    /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max;
  return z
    .string()
    .refine(inRange, `must be a whole number from ${min} to ${max}`)
    .transform(Number);
}

/** A limit in GOOGLE_PROJECTS_FILE; when omitted, the default project's limit applies. */
export function limit(max: number) {
  return z.number().int().min(1).max(max).optional();
}
