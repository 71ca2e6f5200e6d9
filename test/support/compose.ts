import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

interface ComposeService {
  image?: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  user?: string;
  environment?: Record<string, string>;
  volumes?: string[];
  secrets?: string[];
  ports?: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { test: string[] };
  profiles?: string[];
  read_only?: boolean;
  cap_drop?: string[];
  cap_add?: string[];
  security_opt?: string[];
  network_mode?: string;
}

export interface Compose {
  services: Record<string, ComposeService>;
  volumes: Record<string, null>;
  secrets: Record<string, { file: string }>;
}

export const ROOT = path.resolve(__dirname, '../..');

/**
 * Returns docker-compose.yml as Compose reads it with these variables: merged, and with `${…}`
 * replaced.
 */
export function readCompose(variables: Record<string, string> = {}): Compose {
  const text = readFileSync(path.join(ROOT, 'docker-compose.yml'), 'utf8');
  return JSON.parse(JSON.stringify(parse(text, { merge: true })), (_key, value: unknown) =>
    typeof value === 'string' ? interpolated(value, variables) : value,
  ) as Compose;
}

/**
 * Replaces Compose's `$$`, `${NAME}`, `${NAME:-default}` and `${NAME:+value}`. Any other dollar
 * sign is an error.
 */
function interpolated(text: string, variables: Record<string, string>): string {
  return text.replace(
    /\$\$|\$\{(\w+)(?::([-+])([^}]*))?\}|\$/g,
    (whole, name?: string, operator?: string, word = '') => {
      if (whole === '$$') return '$';
      if (name === undefined) throw new Error(`docker-compose.yml: a lone dollar in ${text}`);
      const value = variables[name] ?? '';
      if (operator === '+') return value === '' ? '' : word;
      return value === '' ? word : value;
    },
  );
}
