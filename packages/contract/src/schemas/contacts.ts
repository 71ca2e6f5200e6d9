import { z } from 'zod';

/** Which of the three lists a contact is from. */
export const contactKind = z.enum(['person', 'other', 'group']);

/** As `syncline export` gives it. */
export const contact = z
  .object({
    kind: contactKind,
    resource: z
      .record(z.string(), z.unknown())
      .meta({ description: 'The person or the group as Google last gave it.' }),
  })
  .meta({ id: 'Contact' });
