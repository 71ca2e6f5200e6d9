import { z } from 'zod';
import { time } from '../parameters.js';

/** Counts of a comparison of the mirror with Google. The ids are in the CLI's `verify`. */
const compared = z.object({
  resource: z.string(),
  compared: z.int(),
  missing: z.int(),
  extra: z.int(),
  stale: z.int(),
  unread: z.int(),
});

export const operation = z
  .object({
    id: z.string().meta({ examples: ['op_0193f1b2c3d47e5f8a9b0c1d2e3f4a5b'] }),
    kind: z.enum(['removal', 'verification']),
    accountId: z.uuid(),
    state: z.enum(['running', 'done', 'failed']),
    progress: z.object({ done: z.int(), total: z.int().nullable() }),
    result: z
      .object({ resources: z.array(compared) })
      .nullable()
      .meta({ description: 'Of a verification that is done.' }),
    problem: z.string().nullable().meta({ description: 'Why it failed, for a person.' }),
    createdAt: time,
  })
  .meta({ id: 'Operation' });
