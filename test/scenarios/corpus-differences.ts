import type { Field } from './corpus-compare.js';

/*
 * Where the mirror and mailparser read the same mail differently, and why. Every difference was looked at: where the mirror (or the
 * simulator that stands for Gmail) was wrong it was corrected, so what is left is a choice that holds. "It" is mailparser,
 * "we" are the simulator's MIME and the engine together. Summed up in docs/explanation/mail.md.
 */

/** A difference that is understood. */
export interface Explained {
  file: string;
  field: Field;
  kind: Kind;
  why: string;
}

/** Mail that mailparser does not come to the end of: its address parser's time grows with the square of a header's length, and one has 130 KB. */
export const BEYOND_MAILPARSER: ReadonlySet<string> = new Set([
  'mimekit__messages_stack-overflow.eml',
]);

/** What each kind of difference looks like: an entry cannot hide a difference of another kind. */
export const KINDS = {
  separators: { holds: (ours, theirs) => visible(ours) === visible(theirs) },
  flowed: { holds: (ours, theirs) => visible(ours) === visible(theirs) },
  'attached-message': {
    holds: (ours, theirs) => theirs.length > ours.length && within(lines(ours), lines(theirs)),
  },
  'named-part': {
    holds: (ours, theirs) => theirs.length > ours.length && within(lines(ours), lines(theirs)),
  },
  'nothing-found': { holds: (ours, theirs) => theirs === '' && ours !== '' },
  'header-block': { holds: (ours, theirs) => ours === '' || ours.includes(theirs) },
  'content-type': { holds: (ours, theirs) => theirs.length < ours.length && ours.includes(theirs) },
  nesting: {
    holds: (ours, theirs) =>
      within(content(ours), content(theirs)) || within(content(theirs), content(ours)),
  },
  charset: { holds: (ours, theirs) => ascii(ours) === ascii(theirs) },
  'wrong-charset': {
    holds: (ours, theirs) =>
      within(ascii(theirs), ascii(ours)) && ascii(ours).length - ascii(theirs).length <= 8,
  },
  nul: {
    holds: (ours, theirs) =>
      theirs.includes('\0') && !ours.includes('\0') && ascii(ours) === ascii(theirs),
  },
  'repeated-header': { holds: (ours, theirs) => ours !== '' && theirs !== '' },
  'address-syntax': {
    holds: (ours, theirs) =>
      ours === '' ||
      ours.startsWith(theirs) ||
      /[():!]/.test(theirs) ||
      sorted(ours) === sorted(theirs),
  },
  'own-name': { holds: (ours, theirs) => ours === `${theirs} ${theirs}` },
  'no-address': { holds: (ours, theirs) => letters(ours) === letters(theirs) },
  comment: { holds: (ours, theirs) => ours === '' && /^[\w-]+$/.test(theirs) },
} satisfies Record<string, { holds(ours: string, theirs: string): boolean }>;
type Kind = keyof typeof KINDS;

const GROUPS: readonly { kind: Kind; why: string; where: readonly string[] }[] = [
  {
    kind: 'separators',
    why: 'It puts <br/> between pieces of html, and an empty line into the text for every piece of html; we join what there is with a newline.',
    where: [
      'cpython__msg_08.eml html',
      'cpython__msg_09.eml html',
      'cpython__msg_10.eml text',
      'cpython__msg_10.eml html',
      'cpython__msg_12.eml html',
      'cpython__msg_12a.eml html',
      'mimekit__messages_body.8.eml html',
      'mimekit__messages_body.9.eml html',
    ],
  },
  {
    kind: 'separators',
    why: 'A multipart inside a multipart of the same boundary is empty: an empty text for us, nothing for it.',
    where: ['mail-parser__eml_malformed_013.eml text'],
  },
  {
    kind: 'flowed',
    why: 'It joins the soft lines of format=flowed; the mirror keeps bodies as they were sent (docs/decisions/0107-bodies-as-sent.md).',
    where: ['mail-parser__eml_thirdparty_015.eml text', 'mimekit__messages_issue1130.eml text'],
  },
  {
    kind: 'attached-message',
    why: 'It shows attached messages and the members of a digest within the text; for us their text is their own.',
    where: [
      'cpython__msg_02.eml text',
      'cpython__msg_30.eml text',
      'cpython__msg_34.eml text',
      'mail-parser__eml_rfc_002.eml text',
      'mail-parser__eml_rfc_004.eml text',
      'mail-parser__eml_thirdparty_007.eml text',
      'mimekit__mbox_content-length_001.eml text',
      'mimekit__mbox_content-length_004.eml text',
      'mimekit__mbox_content-length_004.eml html',
      'mimekit__mbox_content-length_016.eml text',
      'mimekit__messages_feedback-report.eml text',
    ],
  },
  {
    kind: 'named-part',
    why: 'A text part with a filename is an attachment, which Gmail returns by an id; it takes it for the body when its disposition is inline.',
    where: [
      'cpython__msg_04.eml text',
      'cpython__msg_44.eml text',
      'mimekit__mbox_content-length_024.eml html',
    ],
  },
  {
    kind: 'nothing-found',
    why: 'The multipart has no boundary, or one that never comes: we keep what there is as text, it finds no body.',
    where: [
      'cpython__msg_17.eml text',
      'cpython__msg_25.eml text',
      'cpython__msg_31.eml text',
      'cpython__msg_41.eml text',
      'mail-parser__eml_malformed_002.eml text',
      'mail-parser__eml_malformed_004.eml text',
      'mimekit__mbox_simple_002.eml text',
    ],
  },
  {
    kind: 'nothing-found',
    why: 'It does not read the boundary: one in the notation of RFC 2231, one after a doubled semicolon.',
    where: ['cpython__msg_33.eml text', 'mimekit__mbox_content-length_000.eml text'],
  },
  {
    kind: 'nothing-found',
    why: 'It takes an unknown Content-Disposition for an attachment even when the part is the whole mail; we show it.',
    where: ['mail__error_emails_multiple_invalid_content_dispositions.eml html'],
  },
  {
    kind: 'nothing-found',
    why: "It takes a byte order mark for the beginning of the first header's name, and loses that header.",
    where: [
      'mimekit__messages_feedback-report.eml from',
      'mimekit__messages_feedback-report.eml from-list',
    ],
  },
  {
    kind: 'header-block',
    why: 'A line that is no header ends the headers of a mail or part and begins its body; it skips the line and reads on, until an empty line or the end.',
    where: [
      'cpython__msg_19.eml text',
      'cpython__msg_35.eml text',
      'cpython__msg_47.eml text',
      'cpython__msg_47.eml html',
      'mail-parser__eml_malformed_019.eml text',
      'mail-parser___1491941793.M41850P8566V0000000000000015I0000000004F3030E_0.mx1.example.com_S_10956_2_STln.eml text',
      'mail-parser__maildir_.My_Folder.Nested_Folder_cur_1276533073.M242911P3632.kurkku_2_FP.eml text',
      'mail-parser__maildir_.My_Folder.Nested_Folder_new_1035478339.27041_118.foo.org_S_1000_W_1030_2_RDF_.eml text',
      'mail-parser__maildir_.My_Folder_cur_1035478339.27041_118.foo.org_S_1000_W_1030_2_TDR.eml text',
      'mail-parser__maildir_.My_Folder_new_1276528487.M364837P9451.kurkku_S_1355_W_1394_2_.eml text',
      'mail-parser__maildir_new_1234567890.M20046P2137.mailserver_S_4542_W_4642_2_Sb.eml text',
      'mail__plain_emails_raw_email_incorrect_header.eml subject',
      'mail__plain_emails_raw_email_incorrect_header.eml from',
      'mail__plain_emails_raw_email_incorrect_header.eml to',
      'mail__plain_emails_raw_email_incorrect_header.eml from-list',
      'mail__plain_emails_raw_email_incorrect_header.eml to-list',
      'mail__plain_emails_raw_email_incorrect_header.eml names',
      'mail__plain_emails_raw_email_incorrect_header.eml text',
      'mail__rfc2822_example13.eml subject',
      'mail__rfc2822_example13.eml text',
      'mimekit__messages_issue358.eml text',
      'mimekit__messages_issue358.eml html',
    ],
  },
  {
    kind: 'content-type',
    why: 'A Content-Type that is none (no slash in it) means plain text by RFC 2045; it takes the part for an attachment.',
    where: ['cpython__msg_14.eml text', 'mimekit__messages_startrek.eml text'],
  },
  {
    kind: 'nesting',
    why: 'A delimiter of an outer multipart ends the inner ones (RFC 2046), and blanks may follow it; it knows only the innermost boundary, on a line of its own.',
    where: [
      'cpython__msg_38.eml text',
      'mail-parser__eml_malformed_008.eml text',
      'mail-parser__eml_malformed_008.eml html',
      'mail-parser__eml_malformed_009.eml text',
      'mail-parser__eml_malformed_016.eml text',
      'mail-parser__eml_rfc_007.eml text',
      'mail-parser__eml_rfc_007.eml html',
    ],
  },
  {
    kind: 'nesting',
    why: "One boundary is used by several levels, or is another one with two dashes more: which level a delimiter closes is anybody's choice.",
    where: ['cpython__msg_39.eml text', 'mail-parser__eml_malformed_005.eml text'],
  },
  {
    kind: 'nesting',
    why: 'Two Content-Types in one part, the closing delimiter missing: the first type counts for us, the last for it, which leaves the next part to the text.',
    where: ['mail-parser__eml_malformed_020.eml text', 'mail-parser__eml_malformed_021.eml text'],
  },
  {
    kind: 'nesting',
    why: 'A boundary on text/html means nothing; it splits the html by it.',
    where: ['cpython__msg_40.eml html'],
  },
  {
    kind: 'nesting',
    why: 'After a message within an attached message it loses the part that follows.',
    where: ['mimekit__mbox_content-length_001.eml html'],
  },
  {
    kind: 'charset',
    why: 'ISO-8859-1 is read as windows-1252, as the web does; it makes control characters of 0x80 to 0x9f.',
    where: [
      'mail__error_emails_content_transfer_encoding_7-bit.eml text',
      'mail__error_emails_content_transfer_encoding_7-bit.eml html',
    ],
  },
  {
    kind: 'charset',
    why: 'Bytes without a charset that anybody knows, and that are no UTF-8, are read as windows-1252; it makes replacement characters of them.',
    where: [
      'mail__error_emails_invalid_subject_characters.eml subject',
      'mail-parser__eml_malformed_019.eml html',
      'broken-no-end-boundary.eml text',
    ],
  },
  {
    kind: 'wrong-charset',
    why: 'Not the Big5 that it says it is: the two decoders go wrong at different bytes.',
    where: ['mail__error_emails_content_transfer_encoding_empty.eml html'],
  },
  {
    kind: 'charset',
    why: 'Words after the end of the base64, and a piece that is none: both decode rubbish, from different positions.',
    where: ['mail-parser__eml_thirdparty_002.eml text'],
  },
  {
    kind: 'nul',
    why: "Postgres' text holds no NUL, so it is left out.",
    where: [
      'mail-parser__eml_thirdparty_000.eml text',
      'broken-nul-and-bare-cr.eml subject',
      'broken-nul-and-bare-cr.eml text',
    ],
  },
  {
    kind: 'repeated-header',
    why: 'Of a header that may come once and comes twice the column has the first (all of them are in resource); it takes the last subject and joins the addresses.',
    where: [
      'cpython__msg_20.eml cc',
      'cpython__msg_25.eml to',
      'mail__mime_emails_raw_email_with_binary_encoded.eml subject',
      'mail__mime_emails_raw_email_with_multipart_mixed_quoted_boundary.eml subject',
    ],
  },
  {
    kind: 'address-syntax',
    why: 'Two addresses without a comma between them: it keeps the first, our column the header as it is.',
    where: [
      'mail__plain_emails_raw_email_multiple_from.eml from',
      'mail__plain_emails_raw_email_multiple_from.eml to',
    ],
  },
  {
    kind: 'address-syntax',
    why: 'A comment that holds an escaped parenthesis: it takes the rest of the comment for a name.',
    where: ['mail__rfc2822_example10.eml names'],
  },
  {
    kind: 'address-syntax',
    why: 'Two addresses without a comma between them are two in our list; it takes one for the name of the other.',
    where: ['from-list', 'to-list', 'reply-to-list'].map(
      (list) => `mail__plain_emails_raw_email_multiple_from.eml ${list}`,
    ),
  },
  {
    kind: 'address-syntax',
    why: 'Comments within an address, and behind the end of a group, are comments (RFC 5322, A.5); to it they are part of the address, or a name.',
    where: ['from-list', 'to-list', 'cc-list'].map((list) => `mail__rfc2822_example10.eml ${list}`),
  },
  {
    kind: 'address-syntax',
    why: 'A route before the address and blanks within it (RFC 5322, A.6.1): it keeps the one, and loses what follows the other.',
    where: ['mail__rfc2822_example11.eml to-list'],
  },
  {
    kind: 'address-syntax',
    why: 'A route without brackets, to an address with exclamation marks: no address to either, it loses the route.',
    where: ['mimekit__mbox_content-length_006.eml to-list'],
  },
  {
    kind: 'own-name',
    why: 'Whose name is the address has that name for us; it leaves the name out.',
    where: [
      'mail__error_emails_content_transfer_encoding_with_8bits.eml from-list',
      'mail__error_emails_content_transfer_encoding_with_8bits.eml sender-list',
      'mail__mime_emails_raw_email11.eml from-list',
      'mimekit__dkim_multipart-no-end-boundary.eml from-list',
      'mimekit__messages_issue358.eml to-list',
    ],
  },
  {
    kind: 'no-address',
    why: 'Text in brackets is no address, for lack of a domain or a local part. Ours is the whole text as a name without address; it gives it out as an address.',
    where: [
      'mail-parser__eml_thirdparty_007.eml from-list',
      'mail__error_emails_missing_body.eml to-list',
      'mail__mime_emails_raw_email11.eml to-list',
    ],
  },
  {
    kind: 'comment',
    why: '`unlisted-recipients:; (no To-header on input)` names no mailbox; it takes the comment for a name.',
    where: [
      'mimekit__mbox_content-length_027.eml to-list',
      'mimekit__messages_delivery-status-no-blank-line.eml to-list',
      'mimekit__messages_delivery-status.anonymized.eml to-list',
      'mimekit__messages_delivery-status.eml to-list',
    ],
  },
];

export const EXPLAINED: readonly Explained[] = GROUPS.flatMap(({ kind, why, where }) =>
  where.map((place) => {
    const space = place.lastIndexOf(' ');
    return { file: place.slice(0, space), field: place.slice(space + 1) as Field, kind, why };
  }),
);

/** What a person sees: without white space and line breaks of html. */
function visible(text: string): string {
  return text.replace(/<br\/>|\s+/g, '');
}

/** Of what is visible, that which every charset agrees on. */
function ascii(text: string): string {
  return visible(text).replace(/[^\x21-\x7e]+/g, '');
}

/** Words in any order. */
function sorted(text: string): string {
  return text
    .split(/[\s,]+/)
    .sort()
    .join(' ');
}

function letters(text: string): string {
  return text.replace(/[\s<>;]/g, '').toLowerCase();
}

function lines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** Lines that are neither delimiters nor headers of parts. */
function content(text: string): string[] {
  return lines(text).filter((line) => !/^(?:--|Content-|boundary=)/i.test(line));
}

/** Whether all members of one list are in the other, in their order. */
function within(part: ArrayLike<string>, whole: ArrayLike<string>): boolean {
  let at = 0;
  for (let index = 0; index < whole.length && at < part.length; index++)
    if (whole[index] === part[at]) at++;
  return at === part.length;
}
