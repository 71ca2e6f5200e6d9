import type { Config, ResolvedConfig } from './config.js';
import { OperatorError } from './errors.js';
import { type Embedded, startEmbedded } from './embedded/start.js';

export interface Resolved {
  config: ResolvedConfig;
  /** Creates another database on the embedded Postgres; null when Postgres is given. */
  createDatabase: Embedded['createDatabase'];
  /** Ends this process's use of the embedded servers. */
  release(): Promise<void>;
}

/**
 * Starts the embedded servers for which `config` has no URL, and adds their addresses. `log`
 * receives each completed action. Google's client and the key are empty when the process does not
 * require them.
 * @throws OperatorError when the machine lacks something that a person has to install; the signal's
 * reason when it is aborted before the servers answer
 */
export async function resolveConfig(
  config: Config,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<Resolved> {
  const { databaseUrl, redisUrl, masterKey, dataDir } = config;
  const google = {
    ...config.google,
    clientId: config.google.clientId ?? '',
    clientSecret: config.google.clientSecret ?? '',
  };
  if (databaseUrl !== null && redisUrl !== null) {
    return {
      config: { ...config, databaseUrl, redisUrl, masterKey: masterKey ?? Buffer.alloc(0), google },
      createDatabase: null,
      release: async () => {},
    };
  }
  const embedded = await startEmbedded({ dataDir, databaseUrl, redisUrl, log, signal });
  return {
    config: {
      ...config,
      databaseUrl: embedded.databaseUrl,
      redisUrl: embedded.redisUrl,
      masterKey: masterKey ?? embedded.masterKey,
      oldMasterKey: differing(config.oldMasterKey, masterKey ?? embedded.masterKey),
      google,
    },
    createDatabase: embedded.createDatabase,
    release: () => embedded.release(),
  };
}

/** Whether an OAuth client is configured; a process that does not require one may have none. */
export function hasOAuthClient({ clientId, clientSecret }: ResolvedConfig['google']): boolean {
  return clientId !== '' && clientSecret !== '';
}

/** @throws OperatorError when both keys are the same */
function differing(old: Buffer | null, current: Buffer): Buffer | null {
  if (old?.equals(current))
    throw new OperatorError(
      'SYNCLINE_MASTER_KEY_OLD is the key that is in use: it must be the previous key, or unset.',
    );
  return old;
}
