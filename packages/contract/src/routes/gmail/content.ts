import { z } from 'zod';
import { ATTACHMENT_TYPES, type AttachmentType } from './attachment-types.js';
import { FRESHNESS_HEADER, freshRead } from '../../freshness.js';
import { accountParams, ID_LIMIT, text } from '../../parameters.js';
import { route } from '../../route.js';

const tag = 'Mail';

const id = text(ID_LIMIT);
const bytes = z.string().meta({ description: 'Bytes.' });

const ATTACHMENTS = Object.fromEntries(ATTACHMENT_TYPES.map((type) => [type, bytes])) as Record<
  AttachmentType,
  typeof bytes
>;

/** Headers of what a browser must save, and never show. */
const FILE_HEADERS = {
  ...FRESHNESS_HEADER,
  'Content-Disposition': 'Always `attachment`, with the cleaned name.',
  'Content-Length': 'The number of bytes. An answer that is cut has fewer.',
  'Content-Security-Policy': 'A sandbox without anything.',
  'Syncline-Quota-Units': "What it has spent of Google's quota.",
};

export const CONTENT_ROUTES = {
  'messages.source': route({
    method: 'GET',
    path: '/v1/accounts/{id}/messages/{messageId}/source',
    tag,
    summary: 'Get the source of a message',
    description:
      'RFC 822, byte for byte. The mirror has it with `MIRROR_BODIES=raw`; otherwise `fetch=true` gets it from Google.',
    scope: 'mail:content',
    accountIn: 'params',
    params: accountParams.extend({ messageId: id }),
    query: z.strictObject({
      ...freshRead,
      fetch: z
        .boolean()
        .default(false)
        .meta({ description: 'Get it from Google where the mirror does not keep it.' }),
    }),
    body: null,
    answers: {
      200: {
        description: 'The source',
        schema: bytes,
        media: 'message/rfc822',
        streams: { 'message/rfc822': bytes },
        headers: FILE_HEADERS,
      },
    },
    problems: [
      'not-found',
      'source-not-kept',
      'state-conflict',
      'item-too-large',
      'quota-exhausted',
      'too-many-streams',
      'google-refused',
      'google-unavailable',
      'not-fresh-enough',
    ],
    weight: 5,
    spendsQuota: true,
  }),
  'attachments.get': route({
    method: 'GET',
    path: '/v1/accounts/{id}/messages/{messageId}/attachments/{partId}',
    tag,
    summary: 'Get an attachment',
    description:
      'Its bytes, from Google: the mirror has the name and the size. At most 50 MB. Types that are not listed here are given as `application/octet-stream`.',
    scope: 'mail:content',
    accountIn: 'params',
    params: accountParams.extend({ messageId: id, partId: id }),
    query: z.strictObject(freshRead),
    body: null,
    answers: {
      200: {
        description: 'The attachment',
        schema: bytes,
        media: 'application/octet-stream',
        streams: ATTACHMENTS,
        headers: FILE_HEADERS,
      },
    },
    problems: [
      'not-found',
      'state-conflict',
      'item-too-large',
      'quota-exhausted',
      'too-many-streams',
      'google-refused',
      'google-unavailable',
      'not-fresh-enough',
    ],
    weight: 5,
    spendsQuota: true,
  }),
};
