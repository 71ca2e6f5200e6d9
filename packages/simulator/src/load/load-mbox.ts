import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Account } from '../world.js';
import { seedRaw, type Threads } from './load-eml.js';
import { reportOf, type LoadReport } from './report.js';

/**
 * Adds every message of an mbox file to the mailbox. Messages are split at `From ` lines after an
 * empty line (mboxrd).
 */
export async function loadMbox(account: Account, file: string, nowMs: number): Promise<LoadReport> {
  const mails = splitMbox(await readFile(file));
  const threads: Threads = new Map();
  for (const [index, raw] of mails.entries()) seedRaw(account, raw, { index, nowMs, threads });
  const ignored = mails.length === 0 ? [{ what: 'file', reason: 'no "From " line in it' }] : [];
  return reportOf('mbox', file, account.email, [
    { file: path.basename(file), loaded: mails.length, ignored },
  ]);
}

/** Returns the messages without their envelope lines, with quoted `>From ` lines restored. */
export function splitMbox(bytes: Buffer): Buffer[] {
  const text = bytes.toString('latin1');
  const starts = [...text.matchAll(/(?:^|\r?\n\r?\n)(?=From [^\n]*\n)/g)].map((match) => ({
    end: match.index,
    begin: match.index + match[0].length,
  }));
  return starts.map(({ begin }, index) => {
    const next = starts[index + 1];
    const mail = text.slice(
      text.indexOf('\n', begin) + 1,
      next === undefined ? text.length : next.end + 1,
    );
    return Buffer.from(mail.replace(/^>(>*From )/gm, '$1'), 'latin1');
  });
}
