/*
 * Names of charsets that mail programs, PHP, Python, MySQL and code page lists have made up, and the
 * names that decoders know. All in small letters and digits without punctuation.
 */

/** `windows`, `ansi`, `cp` and other prefixes of the number of a Windows code page. */
const CODE_PAGE = /^(?:x?windows|x?win|x?ansi|x?cp|ms|ibm|mswin|codepage)(125\d|874)$/;
/** `ISO-8859-2-Windows-Latin-2` and its like are what their beginning says. */
const ISO_8859 = /^(?:x?iso)?8859(\d{1,2})(?:windows\w*|e|i|\d{4})?$/;

const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'utf-8': [
      'utf8mb3',
      'utf8mb4',
      'utf8sig',
      'utf8bom',
      'utf8mac',
      'utf8n',
      'utf8unix',
      'xutf8',
      'unicode11utf8',
      'unicode20utf8',
      'xunicode20utf8',
      'cp65001',
      'windows65001',
    ],
    utf7: ['xutf7', 'utf70', 'unicode20utf7', 'xunicode20utf7', 'cp65000', 'windows65000'],
    shift_jis: ['sjiswin', 'sjisopen', 'cp943c', 'cp943', 'sjismac', 'sjis2004', 'shiftjis2004'],
    'euc-jp': ['eucjpwin', 'eucjpms', 'eucjpopen', 'cp51932', 'eucjp2004', 'eucjisx0213'],
    'euc-kr': ['uhc', 'cp949', 'ms949', 'windows949', 'xwindows949', 'cp51949'],
    gb18030: ['cp936', 'ms936', 'windows936', 'gbkutf8', 'euccn', 'cp54936', 'gb180302005'],
    big5: ['cp950', 'ms950', 'windows950', 'big5eten', 'xbig5'],
    'koi8-r': ['koi8', 'cp20866', 'xkoi8r', 'koi8rru'],
    'koi8-u': ['cp21866', 'koi8ru'],
    macintosh: ['xmac', 'macroman', 'xmacroman', 'applemacintosh'],
  }).flatMap(([name, aliases]) => aliases.map((alias): [string, string] => [alias, name])),
);

/** The name that decoders know, for a name without punctuation; the same where there is no other. */
export function canonicalName(key: string): string {
  const alias = ALIASES.get(key);
  if (alias !== undefined) return alias;
  const page = CODE_PAGE.exec(key)?.[1];
  if (page !== undefined) return `windows-${page}`;
  const part = ISO_8859.exec(key)?.[1];
  return part === undefined ? key : `iso-8859-${part}`;
}
