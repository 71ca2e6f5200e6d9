import { readFileSync } from 'node:fs';
import type { RedisTls } from './redis/connect.js';
import type { Values } from './variables.js';

/**
 * Reads the files of REDIS_CA_FILE, REDIS_CERT_FILE and REDIS_KEY_FILE. Returns null when none is
 * set. Mistakes are added to `problems`.
 */
export function readRedisTls(values: Values, problems: string[]): RedisTls | null {
  const { REDIS_URL, REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE } = values;
  const named = { REDIS_CA_FILE, REDIS_CERT_FILE, REDIS_KEY_FILE };
  const given = Object.entries(named).filter(([, file]) => file !== undefined);
  if (given.length === 0) return null;
  if (!REDIS_URL?.startsWith('rediss'))
    problems.push(
      `REDIS_URL must begin with rediss: to go with ${given.map(([name]) => name).join(', ')}`,
    );
  if ((REDIS_CERT_FILE === undefined) !== (REDIS_KEY_FILE === undefined))
    problems.push(
      "REDIS_CERT_FILE and REDIS_KEY_FILE are a client's certificate and its key; set both",
    );
  const [ca = null, cert = null, key = null] = Object.entries(named).map(([name, file]) =>
    file === undefined ? null : readPem(name, file, problems),
  );
  return { ca, client: cert === null || key === null ? null : { cert, key } };
}

function readPem(name: string, file: string, problems: string[]): string | null {
  try {
    const text = readFileSync(file, 'utf8');
    if (text.includes('-----BEGIN ')) return text;
    problems.push(`${name} names a file that is not in PEM format`);
  } catch (error) {
    problems.push(
      `${name} names a file that cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`,
    );
  }
  return null;
}
