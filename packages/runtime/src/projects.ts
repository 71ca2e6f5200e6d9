/**
 * GOOGLE_PROJECTS_FILE: further Google Cloud projects of one deployment. Each has an OAuth client
 * and its own quota. Google counts quota per project, so a fleet that exceeds the quota of one
 * project is spread over several. An account's refresh token is only valid with the client of its
 * own project.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { PROJECT_FORMS, PROJECT_KEYS, quotasOf, topicsOf, type Quotas } from './resources/index.js';

export interface GoogleProject {
  /** The project of GOOGLE_CLIENT_ID is called `default`. */
  name: string;
  clientId: string;
  clientSecret: string;
  quotas: Quotas;
  /**
   * The Pub/Sub topic of Gmail notifications for the project's accounts. Gmail only accepts topics
   * of the project that the account's client belongs to. Absent: the mailboxes are polled.
   */
  topic?: string;
  /** The subscription that is pulled from that topic. Absent: notifications are pushed. */
  subscription?: string;
}

export const DEFAULT_PROJECT = 'default';

const PROJECTS_LIMIT = 100;
const NAME = /^[a-z0-9][a-z0-9-]{0,30}$/;

const ENTRY = z.strictObject({
  name: z.string().regex(NAME),
  clientId: z.string().min(1),
  clientSecret: z.string().min(1).optional(),
  clientSecretFile: z.string().min(1).optional(),
  ...PROJECT_KEYS,
});
type Entry = z.infer<typeof ENTRY>;

/**
 * The required form of each key, for error messages: a value is never quoted because it may be a
 * secret.
 */
const EXPECTED: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({
    name: 'must be 1 to 31 characters of a-z, 0-9 and -',
    clientId: 'must be a text',
    clientSecret: 'must be a text',
    clientSecretFile: 'must be a text',
    ...PROJECT_FORMS,
  }),
);

/**
 * Returns the projects of the file, without the default one. Limits that an entry omits are those
 * of the default project. All mistakes are added to `problems`. A relative `clientSecretFile` is
 * resolved against the folder of `file`.
 */
export function readProjects(
  file: string | undefined,
  defaults: Quotas,
  problems: string[],
): GoogleProject[] {
  if (file === undefined) return [];
  const report = (problem: string): void => void problems.push(`GOOGLE_PROJECTS_FILE ${problem}`);
  const list = parsed(file, report);
  if (list === null) return [];
  const names = new Set([DEFAULT_PROJECT]);
  return list.flatMap((value, index) => {
    const project = projectOf(value, path.dirname(file), defaults, (problem) =>
      report(`entry ${index + 1}: ${problem}`),
    );
    if (project === null) return [];
    if (names.has(project.name))
      report(
        `entry ${index + 1}: the name is taken; "${DEFAULT_PROJECT}" is the project of GOOGLE_CLIENT_ID`,
      );
    names.add(project.name);
    return [project];
  });
}

function parsed(file: string, report: (problem: string) => void): unknown[] | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    report(
      `names a file that cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
    );
    return null;
  }
  const list = jsonOf(text);
  if (Array.isArray(list) && list.length <= PROJECTS_LIMIT) return list;
  report(`must hold a JSON list of at most ${PROJECTS_LIMIT} projects`);
  return null;
}

/** Returns undefined for invalid JSON, because the parser's own message would quote the file. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function projectOf(
  value: unknown,
  folder: string,
  defaults: Quotas,
  report: (problem: string) => void,
): GoogleProject | null {
  const entry = ENTRY.safeParse(value);
  if (!entry.success) {
    for (const issue of entry.error.issues) report(inWords(issue));
    return null;
  }
  const { name, clientId } = entry.data;
  const topics = topicsOf(entry.data, report);
  const clientSecret = secretOf(entry.data, folder, report);
  if (clientSecret === null) return null;
  return { name, clientId, clientSecret, quotas: quotasOf(entry.data, defaults), ...topics };
}

function inWords(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys')
    return `knows no key but ${Object.keys(ENTRY.shape).join(', ')}`;
  const key = String(issue.path[0] ?? '');
  return key === ''
    ? 'must be an object'
    : `${key} ${EXPECTED.get(key) ?? 'must be a whole number of at least 1'}`;
}

function secretOf(
  { clientSecret, clientSecretFile }: Entry,
  folder: string,
  report: (problem: string) => void,
): string | null {
  if ((clientSecret === undefined) === (clientSecretFile === undefined)) {
    report('needs one of clientSecret and clientSecretFile');
    return null;
  }
  if (clientSecretFile === undefined) return clientSecret ?? null;
  try {
    const secret = readFileSync(path.resolve(folder, clientSecretFile), 'utf8').trim();
    if (secret !== '') return secret;
    report('clientSecretFile names an empty file');
  } catch (error) {
    report(
      `clientSecretFile names a file that cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
    );
  }
  return null;
}
