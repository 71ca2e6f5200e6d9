/** What a demo gives to programs that use the HTTP API: a key, and the example of such a program. */
import path from 'node:path';
import { SCOPES } from '@syncline/contract/scopes';
import { createApiKey } from '@syncline/control/api-keys';
import { OperatorError, type Runtime, checkoutDir, must } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import { childEnvironment } from '../child-environment.js';
import type { Processes } from '../processes.js';

/** How a program reaches the API of the demo. */
export interface ApiAccess {
  url: string;
  /** A key of every scope; it is gone with the demo's database. */
  key: string;
}

const START_TIMEOUT_MS = 30_000;
const ASK_EVERY_MS = 50;

export async function demoAccess(store: Store, url: string): Promise<ApiAccess> {
  const request = { name: 'demo', scopes: SCOPES, tenant: null, expiresAt: null };
  const made = must(await createApiKey({ store }, request), 'a new database has no keys');
  return { url, key: made.key };
}

/** Returns a line for a shell, after which the documents' examples work. */
export function exportLine({ url, key }: ApiAccess): string {
  return `export SYNCLINE_API_URL=${url} SYNCLINE_API_KEY=${key}`;
}

/** The longest that a link may work. */
const LINK_SECONDS = 86_400;

/** Returns a link by which a person connects an account of the simulated Google. */
export async function connectLink({ url, key }: ApiAccess): Promise<string> {
  const answer = await fetch(`${url}/v1/connect-sessions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ tenant: 'default', expiresInSeconds: LINK_SECONDS }),
  });
  if (answer.status !== 201)
    throw new OperatorError(`The API made no connect link: it answered ${answer.status}.`);
  return ((await answer.json()) as { url: string }).url;
}

/**
 * Starts examples/inbox.
 * @returns its address
 */
export async function startExample(
  rt: Runtime,
  processes: Processes,
  { url, key }: ApiAccess,
  { env, signal }: { env: NodeJS.ProcessEnv; signal: AbortSignal },
): Promise<string> {
  const started: { url: string | null } = { url: null };
  processes.keep({
    name: 'inbox',
    script: path.join(checkoutDir(), 'examples', 'inbox', 'dist', 'main.js'),
    env: {
      ...childEnvironment('simulator', env),
      SYNCLINE_API_URL: url,
      SYNCLINE_API_KEY: key,
      PORT: '0',
    },
    onLine: (line) =>
      (started.url ??= /^\{"event":"ready","url":"([^"]+)"/.exec(line)?.[1] ?? null),
  });
  const deadlineMs = rt.clock.nowMs() + START_TIMEOUT_MS;
  while (started.url === null) {
    if (rt.clock.nowMs() >= deadlineMs)
      throw new OperatorError('The example does not listen; its log says why.');
    await rt.clock.sleep(ASK_EVERY_MS, signal);
  }
  return started.url;
}
