import { z } from 'zod';
import { time } from '../parameters.js';

const googles = z.record(z.string(), z.unknown());

const attachment = z.object({
  partId: z.string(),
  filename: z.string(),
  mimeType: z.string(),
  size: z.int(),
});

/** As `syncline export` gives it. */
export const message = z
  .object({
    id: z.string(),
    threadId: z.string(),
    labelIds: z.array(z.string()).meta({ description: 'Sorted.' }),
    internalDate: z
      .string()
      .nullable()
      .meta({ description: 'Milliseconds since the epoch, as Google writes them.' }),
    sizeEstimate: z.int().nullable().meta({ description: 'Null for drafts.' }),
    snippet: z.string(),
    subject: z.string().nullable(),
    from: z.string().nullable().meta({ description: "The header's value, decoded." }),
    to: z.string().nullable(),
    cc: z.string().nullable(),
    date: z.string().nullable(),
    messageId: z.string().nullable().meta({ description: 'The header Message-ID.' }),
    text: z.string().nullable().meta({ description: 'Null unless `include` has `text`.' }),
    html: z.string().nullable().meta({ description: 'Null unless `include` has `html`.' }),
    attachments: z.array(attachment),
    resource: googles.nullable().meta({
      description:
        "Google's fields without a column: the part tree with every header. Null unless `include` has `resource`.",
    }),
  })
  .meta({ id: 'Message' });

export const thread = z
  .object({
    id: z.string(),
    messageCount: z.int(),
    firstMessageAt: time.nullable(),
    lastMessageAt: time.nullable(),
  })
  .meta({ id: 'Thread' });

export const label = z
  .object({
    id: z.string(),
    name: z.string(),
    type: z.string(),
    resource: googles.meta({ description: 'The label as Google gives it.' }),
  })
  .meta({ id: 'Label' });
