import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { headerValue, readHeaders, type Header } from '../mime/headers.js';
import type { Account } from '../world.js';
import { reportOf, type FileReport, type LoadReport } from './report.js';

const DAY_MS = 86_400_000;
/** The dates of messages without a usable date: long ago, a minute apart, the same in every run. */
const UNDATED_FROM_MS = Date.UTC(2001, 0, 1);
const OLDEST_MS = Date.UTC(1980, 0, 1);

/** Adds every file of a directory to the mailbox, as messages from before the simulation began. */
export async function loadEml(
  account: Account,
  directory: string,
  nowMs: number,
): Promise<LoadReport> {
  const names = (await readdir(directory, { withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name)
    .sort();
  const files: FileReport[] = [];
  const threads: Threads = new Map();
  for (const [index, file] of names.entries()) {
    seedRaw(account, await readFile(path.join(directory, file)), { index, nowMs, threads });
    files.push({ file, loaded: 1, ignored: [] });
  }
  return reportOf('eml', directory, account.email, files);
}

/** The threads of loaded messages: subject and Message-ID header → thread id. */
export type Threads = Map<string, string>;

/**
 * Adds one message. Its date is that of the Date header, as for imported mail, otherwise that of
 * the last hop, otherwise a generated one. It joins the thread of a message that was loaded before
 * when its References or In-Reply-To header names that message and the subjects match
 * (https://developers.google.com/workspace/gmail/api/guides/threads).
 */
export function seedRaw(
  account: Account,
  bytes: Buffer,
  { index, nowMs, threads }: { index: number; nowMs: number; threads: Threads },
): void {
  const raw = withoutEnvelope(bytes);
  const { headers } = readHeaders(raw);
  const threadId = referencesOf(headers)
    .map((key) => threads.get(key))
    .find((id) => id !== undefined);
  const message = account.mailbox.seed(
    {
      content: { kind: 'given', raw },
      labelIds: index % 3 === 0 ? ['UNREAD', 'INBOX'] : ['INBOX'],
      internalDateMs: dateOf(headers, nowMs) ?? UNDATED_FROM_MS + index * 60_000,
      ...(threadId === undefined ? {} : { threadId }),
    },
    nowMs,
  );
  for (const id of idsIn(headerValue(headers, 'message-id')))
    threads.set(threadKey(headers, id), message.threadId);
}

function referencesOf(headers: readonly Header[]): string[] {
  return ['references', 'in-reply-to']
    .flatMap((name) => idsIn(headerValue(headers, name)).toReversed())
    .map((id) => threadKey(headers, id));
}

function idsIn(value: string | null | undefined): string[] {
  return value?.match(/<[^<>\s]+>/g) ?? [];
}

function threadKey(headers: readonly Header[], messageId: string): string {
  const subject = (headerValue(headers, 'subject') ?? '').replace(/^(?:(?:re|fwd?):\s*)+/i, '');
  return `${subject.trim()}\n${messageId}`;
}

/** Removes the `From ` line of an mbox, which is not part of the message. */
function withoutEnvelope(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, 5).equals(Buffer.from('From '))) return bytes;
  const end = bytes.indexOf(0x0a);
  return end < 0 ? bytes : bytes.subarray(end + 1);
}

function dateOf(headers: readonly Header[], nowMs: number): number | null {
  const received = headerValue(headers, 'received');
  for (const text of [
    headerValue(headers, 'date'),
    received?.slice(received.lastIndexOf(';') + 1),
  ]) {
    const ms = Date.parse((text ?? '').replace(/\([^()]*\)/g, ' ').trim());
    if (Number.isFinite(ms) && ms >= OLDEST_MS && ms <= nowMs + DAY_MS) return ms;
  }
  return null;
}
