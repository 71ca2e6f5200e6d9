/** Types of attachments that are given as such. None of them is a page or a program to a browser. */
export const ATTACHMENT_TYPES = [
  'application/octet-stream',
  'application/pdf',
  'application/zip',
  'application/msword',
  'application/vnd.ms-excel',
  'application/vnd.ms-powerpoint',
  'application/vnd.oasis.opendocument.spreadsheet',
  'application/vnd.oasis.opendocument.text',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  'audio/mpeg',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/webp',
  'message/rfc822',
  'text/calendar',
  'text/csv',
  'text/plain',
  'video/mp4',
] as const;

export type AttachmentType = (typeof ATTACHMENT_TYPES)[number];

/** Returns the type in which an attachment is given. @param stored as the sender wrote it */
export function attachmentType(stored: string): AttachmentType {
  const name = stored.split(';')[0]?.trim().toLowerCase();
  return ATTACHMENT_TYPES.find((type) => type === name) ?? 'application/octet-stream';
}
