/**
 * Parses the NDJSON of `accounts import`, a line at a time. Refused content is never quoted, since
 * a misplaced value may be a token. Only names of keys are quoted, if they have the form of a name.
 */
import { DEFAULT_PROJECT } from '@syncline/runtime';
import { RESOURCE_NAMES, type AccountImport, type Resource } from '@syncline/store';

export type ImportLine =
  | { kind: 'account'; account: AccountImport }
  | { kind: 'blank' }
  | { kind: 'refused'; problem: string };

/** A line of the file: its bytes, or null when it is longer than allowed. */
export interface RawLine {
  number: number;
  bytes: Buffer | null;
}

/**
 * Far above the size of Google's tokens (512 bytes, 2,048 reserved); the limit keeps a file without
 * line ends from filling the memory.
 */
export const LINE_LIMIT_BYTES = 64 * 1024;

const DEFAULT_TENANT = 'default';
const KEYS = ['email', 'refreshToken', 'delegation', 'tenant', 'resources', 'project'];
const EMAIL_LIMIT = 320;
const TENANT_LIMIT = 200;
const NEWLINE = 0x0a;

/** Splits a stream into lines. A line above the limit is skipped and not kept in memory. */
export async function* linesOf(chunks: AsyncIterable<Buffer | string>): AsyncGenerator<RawLine> {
  let number = 1;
  let held: Buffer[] = [];
  let size = 0;
  const take = (): RawLine => {
    const line = { number: number++, bytes: size > LINE_LIMIT_BYTES ? null : Buffer.concat(held) };
    [held, size] = [[], 0];
    return line;
  };
  const hold = (part: Buffer): void => {
    size += part.length;
    if (size <= LINE_LIMIT_BYTES) held.push(part);
    else held = [];
  };
  for await (const chunk of chunks) {
    let rest = Buffer.from(chunk);
    for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE)) {
      hold(rest.subarray(0, end));
      yield take();
      rest = rest.subarray(end + 1);
    }
    hold(rest);
  }
  if (size > 0) yield take();
}

/**
 * Returns the content of one line, or its problem.
 * @param projects the configured ones
 * @param tenant that of a line without one
 */
export function readImportLine(
  bytes: Buffer | null,
  projects: readonly string[] = [DEFAULT_PROJECT],
  tenant = DEFAULT_TENANT,
): ImportLine {
  if (bytes === null) return refused(`is longer than ${LINE_LIMIT_BYTES / 1024} KB`);
  const text = decoded(bytes);
  if (text === null) return refused('is not UTF-8');
  if (text.trim() === '') return { kind: 'blank' };
  const value = parsed(text);
  if (value === undefined) return refused('is not JSON');
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refused('is not a JSON object');
  const line = value as Record<string, unknown>;
  const problem = problemOf(line, projects);
  return problem === null
    ? { kind: 'account', account: accountOf(line, tenant) }
    : refused(problem);
}

function problemOf(line: Record<string, unknown>, projects: readonly string[]): string | null {
  const unknown = Object.keys(line).find((key) => !KEYS.includes(key));
  if (unknown !== undefined)
    return `${namedKey(unknown)} is not a key of an account; known are ${KEYS.join(', ')}`;
  const { email, tenant, resources, project } = line;
  if (email === undefined) return 'has no email';
  if (!isAddress(email)) return 'email is not an address';
  const grant = problemOfGrant(line);
  if (grant !== null) return grant;
  if (tenant !== undefined && !isTenant(tenant))
    return `tenant is not a name of 1 to ${TENANT_LIMIT} characters`;
  if (resources !== undefined && !areResources(resources))
    return `resources is not a list of ${RESOURCE_NAMES.join(', ')}`;
  if (project !== undefined && !projects.some((name) => name === project))
    return `project is not one that is configured; known are ${projects.join(', ')} (GOOGLE_PROJECTS_FILE)`;
  return null;
}

/** An account has a refresh token, or a delegation that acts for it. */
function problemOfGrant({
  refreshToken,
  delegation,
  project,
}: Record<string, unknown>): string | null {
  if (delegation === undefined) {
    if (refreshToken === undefined) return 'has no refreshToken';
    return isToken(refreshToken)
      ? null
      : 'refreshToken is not a token: printable characters without spaces';
  }
  if (refreshToken !== undefined) return 'has both refreshToken and delegation';
  if (project !== undefined) return 'has a project, which an account with a delegation has from it';
  return isTenant(delegation)
    ? null
    : `delegation is not a name of 1 to ${TENANT_LIMIT} characters`;
}

/** Called only for lines without a problem. */
function accountOf(line: Record<string, unknown>, tenant: string): AccountImport {
  return {
    email: line['email'] as string,
    refreshToken: (line['refreshToken'] as string | undefined) ?? null,
    ...(line['delegation'] === undefined ? {} : { delegation: line['delegation'] as string }),
    tenant: (line['tenant'] as string | undefined) ?? tenant,
    ...(line['resources'] === undefined
      ? {}
      : { resources: [...(line['resources'] as Resource[])] }),
    ...(line['project'] === undefined ? {} : { project: line['project'] as string }),
  };
}

function isAddress(value: unknown): boolean {
  return isText(value, EMAIL_LIMIT) && /^[^\s@]+@[^\s@]+$/.test(value);
}

function isToken(value: unknown): boolean {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);
}

function isTenant(value: unknown): boolean {
  return isText(value, TENANT_LIMIT) && value.trim() === value;
}

function isText(value: unknown, limit: number): value is string {
  // Control characters would be printed in the terminal, and Postgres cannot store NUL.
  return (
    typeof value === 'string' &&
    value.length > 0 &&
    value.length <= limit &&
    value.isWellFormed() &&
    !/[\u0000-\u001f\u007f]/.test(value)
  );
}

function areResources(value: unknown): value is Resource[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => RESOURCE_NAMES.some((resource) => resource === item))
  );
}

function namedKey(key: string): string {
  return /^[A-Za-z_][A-Za-z_-]{0,30}$/.test(key) ? `"${key}"` : 'something';
}

function decoded(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Returns undefined for text that is not JSON; the parser's own message would quote the line. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refused(problem: string): ImportLine {
  return { kind: 'refused', problem };
}
