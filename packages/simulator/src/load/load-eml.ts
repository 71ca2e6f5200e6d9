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
  for (const [index, file] of names.entries()) {
    seedRaw(account, await readFile(path.join(directory, file)), index, nowMs);
    files.push({ file, loaded: 1, ignored: [] });
  }
  return reportOf('eml', directory, account.email, files);
}

/**
 * Adds one message. Its date is that of the Date header, as for imported mail, otherwise that of
 * the last hop, otherwise a generated one.
 */
export function seedRaw(account: Account, bytes: Buffer, index: number, nowMs: number): void {
  const raw = withoutEnvelope(bytes);
  const internalDateMs =
    dateOf(readHeaders(raw).headers, nowMs) ?? UNDATED_FROM_MS + index * 60_000;
  account.mailbox.seed(
    {
      content: { kind: 'given', raw },
      labelIds: index % 3 === 0 ? ['UNREAD', 'INBOX'] : ['INBOX'],
      internalDateMs,
    },
    nowMs,
  );
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
