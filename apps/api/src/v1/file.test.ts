import { parse } from 'content-disposition';
import { fileHeaders, inPieces, safeFileName } from './file.js';

test.each([
  ['report.pdf', 'report.pdf'],
  ['Grüße 你好 🎉.txt', 'Grüße 你好 🎉.txt'],
  ['e\u0301te.txt', '\u00e9te.txt'],
  ['../../etc/passwd', '_.._etc_passwd'],
  ['..\\..\\autoexec.bat', '_.._autoexec.bat'],
  ['C:\\evil.exe', 'C__evil.exe'],
  ['a\r\nSet-Cookie: x=1.txt', 'aSet-Cookie_ x=1.txt'],
  ['nul\u0000byte.txt', 'nulbyte.txt'],
  ['exe.\u202efdp', 'exe.fdp'],
  ['zero\u200bwidth\ufeff.txt', 'zerowidth.txt'],
  ['.htaccess', 'htaccess'],
  [' . hidden . ', 'hidden'],
  ['quote"and<tag>.html', 'quote_and_tag_.html'],
  ['half \ud800 pair.txt', 'half \ufffd pair.txt'],
  ['', 'attachment'],
  ['...', 'attachment'],
  ['\u0007\u0008', 'attachment'],
  [`${'x'.repeat(300)}.pdf`, `${'x'.repeat(96)}.pdf`],
  ['🎉'.repeat(200), '🎉'.repeat(100)],
  [`a.${'x'.repeat(300)}`, `a.${'x'.repeat(98)}`],
])('the name %j is given as %j', (given, safe) => {
  const name = safeFileName(given, 'attachment');
  expect(name).toBe(safe);
  const header = fileHeaders(name, 1)['Content-Disposition'];
  expect(header).toMatch(/^attachment; filename[\x20-\x7e]*$/);
  expect(parse(header)).toMatchObject({ type: 'attachment', parameters: { filename: safe } });
});

const pieces = async (signal: AbortSignal, nowMs = (): number => 0): Promise<Buffer> => {
  const taken: Uint8Array[] = [];
  const limits = { nowMs, withinMs: 10 };
  for await (const piece of inPieces(Buffer.alloc(200_000, 'ab'), signal, limits))
    taken.push(piece);
  return Buffer.concat(taken);
};

test('bytes come in pieces, and end with their reader', async () => {
  expect(await pieces(new AbortController().signal)).toEqual(Buffer.alloc(200_000, 'ab'));
  expect(await pieces(AbortSignal.abort())).toHaveLength(0);
});

test('a reader that takes too long is cut off', async () => {
  let now = 0;
  await expect(pieces(new AbortController().signal, () => (now += 6))).rejects.toThrow('too long');
});
