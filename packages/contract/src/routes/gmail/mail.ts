import { z } from 'zod';
import { accountListOf, FRESHNESS_HEADER, freshRead } from '../../freshness.js';
import { accountParams, instant, page, text, ID_LIMIT } from '../../parameters.js';
import { route } from '../../route.js';
import { label, message, thread } from '../../schemas/mail.js';

const tag = 'Mail';

/** Most messages of a page with their content. */
const WITH_CONTENT_LIMIT = 100;

const id = text(ID_LIMIT);
const part = '(?:text|html|resource)';

const include = {
  include: z
    .string()
    .max(60)
    .regex(new RegExp(`^${part}(?:,${part})*$`), 'must be of text, html and resource')
    .optional()
    .meta({
      description:
        'Content to add, separated by commas: `text`, `html`, `resource`. Needs the scope `mail:content`.',
      examples: ['text,html'],
    }),
};

const address = text(320).meta({
  description: 'A whole address, or `@domain`. ASCII letters compare without case.',
});

export const MAIL_ROUTES = {
  'messages.list': route({
    method: 'GET',
    path: '/v1/accounts/{id}/messages',
    tag,
    summary: 'List messages',
    description:
      'Newest first, those without a date last. The work of a request is bounded: a page may be short, or empty, before the end. A message that stays is given exactly once.',
    scope: 'mail:metadata',
    accountIn: 'params',
    params: accountParams,
    query: z
      .strictObject({
        ...page,
        ...freshRead,
        ...include,
        label: id.optional().meta({ description: 'The id of a label that the messages have.' }),
        thread: id.optional(),
        from: address.optional(),
        to: address.optional(),
        after: instant.optional().meta({ description: 'Received at this time or later.' }),
        before: instant.optional().meta({ description: 'Received before this time.' }),
      })
      .refine((query) => query.include === undefined || query.limit <= WITH_CONTENT_LIMIT, {
        path: ['limit'],
        message: `must be at most ${WITH_CONTENT_LIMIT} with include`,
      }),
    body: null,
    answers: { 200: { description: 'A page of messages', schema: accountListOf(message) } },
    problems: ['bad-cursor', 'not-found', 'missing-scope', 'not-fresh-enough'],
    weight: 2,
    spendsQuota: true,
  }),
  'messages.get': route({
    method: 'GET',
    path: '/v1/accounts/{id}/messages/{messageId}',
    tag,
    summary: 'Get a message',
    scope: 'mail:metadata',
    accountIn: 'params',
    params: accountParams.extend({ messageId: id }),
    query: z.strictObject({ ...freshRead, ...include }),
    body: null,
    answers: { 200: { description: 'The message', schema: message, headers: FRESHNESS_HEADER } },
    problems: ['not-found', 'missing-scope', 'not-fresh-enough'],
    weight: 1,
    spendsQuota: true,
  }),
  'threads.list': route({
    method: 'GET',
    path: '/v1/accounts/{id}/threads',
    tag,
    summary: 'List threads',
    description:
      'In the order of their newest message, newest first. A page may be short before the end. The messages of a thread are `messages?thread=`.',
    scope: 'mail:metadata',
    accountIn: 'params',
    params: accountParams,
    query: z.strictObject({ ...page, ...freshRead }),
    body: null,
    answers: { 200: { description: 'A page of threads', schema: accountListOf(thread) } },
    problems: ['bad-cursor', 'not-found', 'not-fresh-enough'],
    weight: 2,
    spendsQuota: true,
  }),
  'threads.get': route({
    method: 'GET',
    path: '/v1/accounts/{id}/threads/{threadId}',
    tag,
    summary: 'Get a thread',
    scope: 'mail:metadata',
    accountIn: 'params',
    params: accountParams.extend({ threadId: id }),
    query: z.strictObject(freshRead),
    body: null,
    answers: { 200: { description: 'The thread', schema: thread, headers: FRESHNESS_HEADER } },
    problems: ['not-found', 'not-fresh-enough'],
    weight: 1,
    spendsQuota: true,
  }),
  'labels.list': route({
    method: 'GET',
    path: '/v1/accounts/{id}/labels',
    tag,
    summary: 'List labels',
    description: 'In the order of their ids.',
    scope: 'mail:metadata',
    accountIn: 'params',
    params: accountParams,
    query: z.strictObject({ ...page, ...freshRead }),
    body: null,
    answers: { 200: { description: 'A page of labels', schema: accountListOf(label) } },
    problems: ['bad-cursor', 'not-found', 'not-fresh-enough'],
    weight: 1,
    spendsQuota: true,
  }),
};
