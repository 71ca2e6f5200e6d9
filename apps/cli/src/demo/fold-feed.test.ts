import type { ChangeEvent } from '@syncline/store';
import { type FeedFold, differencesFromRows, emptyFold, foldInto } from './fold-feed.js';

function event(
  seq: number,
  op: ChangeEvent['op'],
  id: string,
  fields: Partial<ChangeEvent> = {},
): ChangeEvent {
  return {
    epoch: 1,
    seq: BigInt(seq),
    entity: 'message',
    id,
    calendarId: null,
    op,
    origin: 'live',
    at: new Date(0),
    ...fields,
  };
}

function folded(...events: ChangeEvent[]): FeedFold {
  const fold = emptyFold();
  foldInto(fold, events);
  return fold;
}

describe('folding a change feed', () => {
  it('gives the rows that are there', () => {
    const fold = folded(
      event(1, 'created', 'a'),
      event(2, 'created', 'b'),
      event(3, 'updated', 'a'),
      event(4, 'deleted', 'b'),
    );
    expect([...fold.live]).toEqual(['message a']);
    expect(differencesFromRows(fold, new Set(['message a']), ['message'])).toEqual([]);
  });

  it('continues where it stopped', () => {
    const fold = folded(event(1, 'created', 'a'));
    foldInto(fold, [event(2, 'deleted', 'a')]);
    expect([fold.seq, fold.live.size, fold.problems]).toEqual([2n, 0, []]);
  });

  it('keeps events apart by their calendar', () => {
    const fold = folded(
      event(1, 'created', 'e', { entity: 'event', calendarId: 'c1' }),
      event(2, 'created', 'e', { entity: 'event', calendarId: 'c2' }),
    );
    expect([fold.live.size, fold.problems]).toEqual([2, []]);
  });

  it('notices a number that is left out', () => {
    expect(folded(event(1, 'created', 'a'), event(3, 'created', 'b')).problems).toEqual([
      'after 1 comes 3',
    ]);
  });

  it('notices a feed that does not begin at 1', () => {
    expect(folded(event(2, 'created', 'a')).problems).toEqual(['after 0 comes 2']);
  });

  it.each<[string, ChangeEvent[], string]>([
    [
      'a row that is created twice',
      [event(1, 'created', 'a'), event(2, 'created', 'a')],
      '2 says created of message a, which exists',
    ],
    [
      'an update of nothing',
      [event(1, 'updated', 'a')],
      '1 says updated of message a, which does not exist',
    ],
    [
      'a deletion of nothing',
      [event(1, 'deleted', 'a')],
      '1 says deleted of message a, which does not exist',
    ],
  ])('notices %s', (_what, events, problem) => {
    expect(folded(...events).problems).toEqual([problem]);
  });

  it('is compared with the rows both ways, for the entities that have rows', () => {
    const fold = folded(event(1, 'created', 'a'), event(2, 'created', 'L', { entity: 'label' }));
    expect(differencesFromRows(fold, new Set(['message b']), ['message'])).toEqual([
      'the feed has message a, the mirror does not',
      'the mirror has message b, the feed does not',
    ]);
  });
});
