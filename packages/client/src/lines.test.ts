import { readLines } from './lines.js';

/** Reads a body that comes in parts; without `ends` it stays open until it is given up. */
async function read(parts: string[], { ends = true } = {}): Promise<unknown[][]> {
  const over = new AbortController();
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      over.signal.addEventListener('abort', () => controller.error(over.signal.reason));
      for (const part of parts) controller.enqueue(Buffer.from(part, 'latin1'));
      if (ends) controller.close();
    },
  });
  const got: unknown[][] = [];
  for await (const documents of readLines(new Response(body), { silenceMs: 20, over }))
    got.push(documents);
  return got;
}

test('documents come as their lines are complete, wherever the parts are cut', async () => {
  const [first, second] = [Buffer.from('{"a":"ä"}\n').toString('latin1'), '{"b":1}\n{"c":2}\n'];
  expect(await read([first.slice(0, 7), first.slice(7) + second])).toEqual([
    [{ a: 'ä' }, { b: 1 }, { c: 2 }],
  ]);
  expect(await read([second, '\n', '{"half":'])).toEqual([[{ b: 1 }, { c: 2 }]]);
});

test.each<[string, string[], boolean]>([
  ['is silent', ['{"a":1}\n'], false],
  ['has a line that is no document', ['<html>\n'], true],
  ['has no lines', ['x'.repeat(70_000)], true],
])('a stream that %s is given up', async (_what, parts, ends) => {
  await expect(read(parts, { ends })).rejects.toMatchObject({ name: 'SynclineUnreachable' });
});
