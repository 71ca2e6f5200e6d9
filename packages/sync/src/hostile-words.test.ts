import { partKeys, type GmailMessage } from '@syncline/google';
import { parseCalendar, parseEvent } from './resources/calendar/parse.js';
import { decodeText } from './resources/gmail/charset.js';
import { decodeHeader } from './resources/gmail/encoded-words.js';
import { readParameters } from './resources/gmail/header-parameters.js';
import { meaningOfHistory } from './resources/gmail/history-meaning.js';
import { parseMessage } from './resources/gmail/parse.js';
import { answerOf } from './error-outcomes.js';
import { targetOf } from './watch/step.js';

/*
 * Names that every JavaScript object inherits, in the places where Google or a person may write
 * them.
 */

const WORDS = [
  '__proto__',
  'constructor',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__defineGetter__',
];

describe.each(WORDS)('the word %s', (word) => {
  test('is a header, a label, a charset, a type and a part id like others', () => {
    const message = JSON.parse(
      JSON.stringify({
        id: 'm1',
        threadId: word,
        labelIds: [word, 'INBOX'],
        payload: {
          partId: word,
          mimeType: 'multipart/mixed',
          headers: [
            { name: word, value: word },
            { name: 'Subject', value: `=?${word}?Q?caf=C3=A9?=` },
            { name: 'From', value: `${word} <${word}@example.com>` },
          ],
          parts: [
            {
              partId: word,
              mimeType: 'text/plain',
              headers: [
                { name: word, value: 'x' },
                { name: 'Content-Type', value: `text/plain; charset=${word}; ${word}=${word}` },
              ],
              body: { data: Buffer.from('café').toString('base64url') },
            },
            { partId: word, mimeType: word, filename: word, body: { attachmentId: 'a', size: 1 } },
          ],
        },
        [word]: { [word]: word },
      }),
    ) as GmailMessage;
    const row = parseMessage(message);
    expect(row).toMatchObject({
      threadId: word,
      labelIds: [word, 'INBOX'].sort(),
      subject: 'café',
      text: 'café',
      attachments: [{ filename: word, mimeType: word }],
    });
    expect(JSON.parse(row.addresses)).toMatchObject({
      from: [{ name: word, address: `${word}@example.com` }],
    });
    expect(new Set(partKeys(message.payload ?? {}).values()).size).toBe(3);
    expect(row.resource).toContain(`"${word}":{"${word}":"${word}"}`);
  });

  test('is no charset, and no parameter that was not given', () => {
    expect(decodeText(Buffer.from('café'), word)).toBe('café');
    expect(decodeHeader(`=?${word}?B?Y2Fmw6k=?=`)).toBe('café');
    expect(readParameters(`text/plain; ${word}=x`).parameters.get(word.toLowerCase())).toBe('x');
    expect(readParameters('text/plain').parameters.get(word.toLowerCase())).toBeUndefined();
  });

  test('is a label in a history like others', () => {
    const meaning = meaningOfHistory([
      { id: '1', labelsAdded: [{ message: { id: word }, labelIds: [word] }] },
    ]);
    expect(meaning.labelIds).toEqual([word]);
  });

  test('is an event and a calendar like others', () => {
    const event = {
      id: word,
      status: word,
      summary: word,
      colorId: word,
      start: { dateTime: '2027-01-01T09:00:00Z', timeZone: word },
      end: { dateTime: '2027-01-01T10:00:00Z', timeZone: word },
      recurrence: [`RRULE:FREQ=DAILY;COUNT=2`, `EXDATE;TZID=${word}:20270102T090000`],
      [word]: word,
    };
    expect(parseEvent(event)).toMatchObject({ id: word, summary: word });
    expect(
      parseCalendar({ id: word, summary: word, accessRole: word, timeZone: word }),
    ).toMatchObject({
      id: word,
    });
  });

  test('is a refusal like others, and a project without a topic', () => {
    expect(answerOf({ kind: 'forbidden', reason: word }, false)).toBe('forbidden');
    const targets = { topic: 'projects/p/topics/t', projectTopics: {}, channelAddress: null };
    expect(targetOf({ kind: 'gmail', project: word }, targets)).toBeNull();
  });
});
