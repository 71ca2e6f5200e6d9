import { viewOf, type PartView } from '../gmail/message-view.js';
import { createMailFactory, type MailRecipe } from './mail.js';

const mails = createMailFactory(7, 5_000);
const recipe = (n: number): MailRecipe => ({
  seed: Math.imul(n + 1, 2_654_435_761) >>> 0,
  topicSeed: Math.imul(n + 7, 40_503) >>> 0,
  owner: 'user1@demo.example',
  role: n % 9 === 0 ? 'draft' : 'received',
  position: n % 3,
  dateMs: 1.7e12 + n * 1e7,
});
const flat = (part: PartView): unknown => ({
  ...part,
  data: Buffer.concat(part.data).toString('latin1'),
  parts: part.parts.map(flat),
});

test('the view of a generated mail equals the parsing of its bytes', () => {
  for (let n = 0; n < 1_000; n++) {
    const direct = mails.view(recipe(n));
    const parsed = viewOf(mails.raw(recipe(n)));
    expect({ ...direct, root: flat(direct.root) }).toEqual({ ...parsed, root: flat(parsed.root) });
  }
});

test('equal recipes give equal bytes, different ones different bytes', () => {
  expect(mails.raw(recipe(1)).equals(createMailFactory(7, 5_000).raw(recipe(1)))).toBe(true);
  expect(mails.raw(recipe(1)).equals(mails.raw(recipe(2)))).toBe(false);
});

test('generated mail has every kind that is hard to parse', () => {
  const raws = Array.from({ length: 500 }, (_, n) => mails.raw(recipe(n)).toString('latin1')).join(
    '\n',
  );
  for (const sign of [
    'multipart/alternative',
    'multipart/related',
    'message/rfc822',
    'text/calendar',
    'List-Unsubscribe',
    'iso-2022-jp',
    'koi8-r',
    'filename*=',
    '=?UTF-8?Q?',
    '=?UTF-8?B?',
  ])
    expect(raws).toContain(sign);
});
