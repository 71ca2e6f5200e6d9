/**
 * Scripts for Redis: Lua in `.lua` files beside the compiled code. The image contains them too
 * (`files` of the package's package.json).
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describeError } from '../describe-error.js';
import { OperatorError } from '../errors.js';

export interface RedisScript {
  lua: string;
  /** SHA-1 of the text, the argument of EVALSHA. */
  sha: string;
}

/**
 * Joins several files into one script, in this order, because a Redis script cannot load another
 * one.
 * @param directory directory of the files
 * @param names names of the files, relative to the directory and without `.lua`
 * @param constants integers that TypeScript uses too; they become Lua locals before the files
 * @throws OperatorError with the name of a file that cannot be read
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
