import { UNNAMED_APP } from '@syncline/runtime';
import { OUTCOME_WORDS, type OutcomeFacts } from './outcome-pages.js';

const FACTS: OutcomeFacts = {
  app: UNNAMED_APP,
  missing: ['Calendar'],
  chosen: 'a***@acme.example',
  expected: 'e***@acme.example',
  clientId: 'client',
};
const outcomes = Object.entries(OUTCOME_WORDS);

const wordsOf = (markup: string): string =>
  markup
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim();

test.each(outcomes)(
  '%s: each sentence begins with a capital letter, without a name',
  (_name, words) => {
    const text = wordsOf(words(FACTS).text.text);
    expect(text).not.toMatch(/(?:^|[.?!:] +)this application/);
  },
);

test('a name is written as the operator writes it', () => {
  expect(wordsOf(OUTCOME_WORDS.connected({ ...FACTS, app: 'iMail' }).text.text)).toMatch(
    /^iMail can now read/,
  );
});

test('two addresses with one masked form are shown once', () => {
  const text = (expected: string): string =>
    wordsOf(OUTCOME_WORDS['wrong-account']({ ...FACTS, expected }).text.text);
  expect(text('e***@acme.example')).toContain('You have chosen a***@acme.example');
  expect(text('a***@acme.example')).toMatch(/^You have chosen another account than the one/);
  expect(text('a***@acme.example').match(/a\*\*\*@/g)).toHaveLength(1);
});
