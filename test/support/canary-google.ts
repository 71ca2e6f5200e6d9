import type { FaultOrder } from '@syncline/simulator';
import type { Canaries } from './canaries.js';

/*
 * The content of a simulated Google in a test of leaks: messages and events made of canaries,
 * undocumented responses, and refusals that quote canaries.
 */

/** Returns RFC 822 sources, in base64, of messages whose every part is a canary. */
export function canaryMails(canaries: Canaries): string[] {
  const p = canaries.personal;
  const head = (subject: string): string[] => [
    `From: "${p('sendername')}" <${p('sender')}@corp.example>`,
    `To: ${p('recipient')}@corp.example, ${p('recipient')}+tag@corp.example`,
    `Cc: =?utf-8?B?${Buffer.from(p('ccname')).toString('base64')}?= <${p('cc')}@corp.example>`,
    `Reply-To: ${p('replyto')}@corp.example`,
    `Subject: ${subject}`,
    'Date: Thu, 01 Oct 2026 10:00:00 +0000',
    `Message-ID: <${p('messageid')}@mail.example>`,
    `List-Unsubscribe: <https://list.example/?u=${p('unsubscribe')}>`,
    'MIME-Version: 1.0',
  ];
  const mails = [
    [
      ...head(p('subject')),
      `Content-Type: multipart/mixed; boundary="${p('boundary')}"`,
      '',
      `--${p('boundary')}`,
      'Content-Type: text/plain; charset=utf-8',
      '',
      p('body'),
      `--${p('boundary')}`,
      'Content-Type: text/html; charset=utf-8',
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from(`<p>${p('html')}`).toString('base64'),
      `--${p('boundary')}`,
      `Content-Type: application/pdf; name="${p('filename')}.pdf"`,
      `Content-Disposition: attachment; filename="${p('filename')}.pdf"`,
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from(p('attachment')).toString('base64'),
      `--${p('boundary')}--`,
    ],
    // Unexpected input for parsers: unknown names, an unclosed boundary, truncated words.
    [
      ...head(`=?${p('wordcharset')}?Q?${p('subject')}?=`),
      `Content-Type: text/plain; charset=${p('charset')}; format="${p('format')}`,
      `Content-Transfer-Encoding: ${p('encoding')}`,
      '',
      p('body'),
    ],
    [
      ...head(`=?utf-8?B?${Buffer.from(p('subject')).toString('base64')}`),
      `Content-Type: multipart/${p('subtype')}; boundary=${p('neverseen')}`,
      '',
      p('preamble'),
    ],
    [
      ...head(p('subject')),
      `Content-Type: ${p('type')}/${p('subtype')}; name*=${p('charset')}''${p('filename')}%zz`,
      `Content-Disposition: ${p('disposition')}; filename*0*=utf-8''%FF${p('filename')}`,
      'Content-Transfer-Encoding: base64',
      '',
      `${p('body')}!!!`,
    ],
    [`${p('noheader')} at all`, `From ${p('sender')}@corp.example`, '', p('body')],
  ];
  return mails.map((lines) => Buffer.from(lines.join('\r\n')).toString('base64'));
}

/** Returns an event in the format of `event-create`. */
export function canaryEvent(canaries: Canaries): object {
  const p = canaries.personal;
  return {
    summary: p('summary'),
    description: p('description'),
    location: p('location'),
    organizer: { email: `${p('organizer')}@corp.example`, displayName: p('organizername') },
    attendees: [
      {
        email: `${p('attendee')}@corp.example`,
        displayName: p('attendeename'),
        responseStatus: 'accepted',
      },
    ],
    hangoutLink: `https://meet.example/${p('meeting')}`,
    extendedProperties: { private: { note: p('property') } },
    source: { url: `https://source.example/${p('source')}`, title: p('sourcetitle') },
  };
}

/** Returns a contact in the format of `contact-create`. */
export function canaryPerson(canaries: Canaries): object {
  const p = canaries.personal;
  return {
    names: [{ givenName: p('givenname'), familyName: p('familyname') }],
    emailAddresses: [{ value: `${p('contact')}@corp.example` }],
    phoneNumbers: [{ value: p('phonenumber') }],
    biographies: [{ value: p('biography') }],
  };
}

/** Every kind of error response, by the simulator's name. */
export const REFUSING_FAULTS = [
  '403-user-rate',
  '429-retry-after',
  '429-concurrent',
  '429-exhausted',
  '500',
  '503',
  '503-html',
  '502-html',
  '200-html',
  '401',
  '403-insufficient-scope',
  '403-domain-policy',
  '403-permission',
  '403-api-disabled',
  '403-daily-limit',
  '403-calendar-usage',
  '404',
  '400-mail-not-enabled',
  'token-invalid-client',
  'token-unauthorized-client',
  'token-admin-policy',
  'token-429',
  'token-503',
  'reset',
  'truncated-body',
  'malformed-json',
  'empty-200',
  'wrong-charset',
  'gzip-cut',
  'half-then-reset',
] as const;

/** Returns the text that a refusal quotes: everything that a request or an item may contain. */
export function quoteOf(canaries: Canaries): string {
  const { secret: s, personal: p } = canaries;
  return [
    `user ${p('quoted')}@corp.example`,
    `"${p('quotedsubject')}"`,
    p('quotedbare'),
    `file ${p('quotedfile')}.pdf`,
    `Authorization: Bearer ${s('quotedbearer')}`,
    `refresh_token=${s('quotedrefresh')}`,
    `client_secret: '${s('quotedclient')}'`,
  ].join('; ');
}

/**
 * Returns responses of one method with fields of undocumented types, which a parser might quote in
 * its error.
 */
export function alteredAnswers(canaries: Canaries): Pick<FaultOrder, 'method' | 'patch'>[] {
  const { secret: s, personal: p } = canaries;
  return [
    { method: 'getProfile', patch: { historyId: p('historyid') } },
    { method: 'getProfile', patch: { emailAddress: `${p('stranger')}@corp.example` } },
    { method: 'messages.list', patch: { messages: p('messages') } },
    {
      method: 'messages.list',
      patch: { messages: [{ id: 7, threadId: { [p('thread')]: s('id') } }] },
    },
    { method: 'messages.list', patch: { nextPageToken: { [p('token')]: s('token') } } },
    {
      method: 'messages.get',
      patch: { payload: { headers: p('headers') }, internalDate: p('date') },
    },
    { method: 'messages.get', patch: { payload: { body: { data: p('data'), size: p('size') } } } },
    { method: 'messages.get', patch: { labelIds: p('labels'), historyId: p('history') } },
    { method: 'messages.get', patch: { raw: { [p('raw')]: 1 }, sizeEstimate: p('size') } },
    {
      method: 'labels.list',
      patch: { labels: [{ id: 'Label_77', name: { x: p('label') } }] },
    },
    {
      method: 'calendarList.list',
      patch: {
        items: [{ id: 'c1@group.calendar.google.com', timeZone: p('zone'), accessRole: p('role') }],
      },
    },
    { method: 'calendarList.list', patch: { items: p('items'), nextSyncToken: 7 } },
    { method: 'events.list', patch: { items: [{ id: 'ev0', start: { dateTime: p('when') } }] } },
    {
      method: 'events.list',
      patch: { items: [{ id: 'ev1', status: p('status'), recurrence: [`RRULE:${p('rule')}`] }] },
    },
    {
      method: 'events.list',
      patch: { timeZone: p('zone'), items: { 0: { summary: [p('summary')] } } },
    },
  ];
}

/** Returns invalid lines of an import, each with a value in the wrong place. */
export function badImportLines(canaries: Canaries): string[] {
  const { secret: s, personal: p } = canaries;
  return [
    `{"email":"${p('importer')}@corp.example","refreshToken":"${s('cutoff')}`,
    JSON.stringify({ email: p('noaddress'), refreshToken: s('refresh') }),
    JSON.stringify({ email: `${p('importer')}@corp.example`, refreshToken: [s('inlist')] }),
    JSON.stringify({ email: `${p('importer')}@corp.example`, refresh_token: s('othername') }),
    JSON.stringify({
      email: `${p('importer')}@corp.example`,
      refreshToken: s('a'),
      [`1/${s('key')}`]: 1,
    }),
    JSON.stringify({ email: s('swapped'), refreshToken: `${p('importer')}@corp.example` }),
    JSON.stringify({
      email: `${p('importer')}@corp.example`,
      refreshToken: s('refresh'),
      resources: [s('resource')],
    }),
    JSON.stringify({
      email: `${p('importer')}@corp.example`,
      refreshToken: s('refresh'),
      project: s('project'),
    }),
    JSON.stringify([s('notanobject')]),
    s('notjson'),
  ];
}
