/**
 * Scripts for Redis: Lua in `.lua` files beside the compiled code. The image carries them too
 * (`files` of the package's package.json).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describeError } from '../describe-error.js';
import { OperatorError } from '../errors.js';

export interface RedisScript {
  lua: string;
  /** SHA-1 of the text, by which EVALSHA names it. */
  sha: string;
}

/**
 * One script of several files, in this order: a script of Redis cannot load another.
 * @param directory where the files are
 * @param names of the files, below the directory and without `.lua`
 * @param constants what TypeScript computes with too: whole numbers, which become Lua locals above
 * the files
 * @throws OperatorError when a file cannot be read, with its name
 */
export function loadScript(
  directory: string,
  names: readonly string[],
  constants: Readonly<Record<string, number>> = {},
): RedisScript {
  const locals = Object.entries(constants).map(([name, value]) => `local ${name} = ${value}\n`);
  const texts = names.map((name) => readLua(path.join(directory, `${name}.lua`)));
  const lua = [...locals, ...texts].join('');
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

function readLua(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new OperatorError(
      `The installation is incomplete: the Redis script ${file} cannot be read (${describeError(error)}). Install it again: npm ci and npm run build, or the image.`,
      { cause: error },
    );
  }
}
