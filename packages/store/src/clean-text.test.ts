import { cleanJson, JSON_DEPTH_LIMIT } from './clean-text.js';

test('a document that is nested too deeply to be written is cut off, and everything else of it is kept', () => {
  let deep: unknown = 'bottom';
  for (let depth = 0; depth < 50_000; depth++) deep = depth % 2 === 0 ? { deep } : [deep];
  const json = cleanJson({ deep, beside: 'a\0b' });
  expect(JSON.parse(json)).toMatchObject({ deep: [{}], beside: 'ab' });
  expect(json.split(/[[{]/)).toHaveLength(JSON_DEPTH_LIMIT + 1);
});

test('values that JSON cannot represent are stored as null', () => {
  expect([cleanJson(undefined), cleanJson(Number.POSITIVE_INFINITY)]).toEqual(['null', 'null']);
});
