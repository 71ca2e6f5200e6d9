#!/usr/bin/env node
/**
 * The entry point of every command: sets up what is missing (dependencies, Prisma's client, the
 * build), then runs the requested program in this same process, so that no signals have to be
 * forwarded.
 *
 * Plain Node without dependencies, since it runs before they are installed. It prints to stderr,
 * and only when it does something: a command's stdout is its data.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { makeDirs, withFileLock, writeWhole } from '../packages/runtime/file-lock.cjs';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const NODE_MIN = [20, 19];
/** Time for a first `npm ci` on a slow connection; a process that waits for the lock reports it. */
const LOCK_TIMEOUT_MS = 15 * 60_000;
const INSTALL_STAMP = at('node_modules/.syncline-install');
const CLIENT_STAMP = at('node_modules/.syncline-client');
const CLIENT = at('packages/store/src/generated');
/** Syncline's own variables. */
const SETTINGS = /^(SYNCLINE|GOOGLE|GMAIL|CALENDAR|PUSH|DATABASE|REDIS|PG)[_A-Z]*$/;

/**
 * The programs and tools by the first word of the command line. Programs run in this process; tools
 * run in child processes.
 */
const PROGRAMS = {
  worker: 'apps/worker/dist/main.js',
  scheduler: 'apps/scheduler/dist/main.js',
  api: 'apps/api/dist/main.js',
  simulator: 'packages/simulator/dist/main.js',
};
const COMMANDS_OF_CLI = ['demo', 'up', 'migrate'];
const CLI = 'apps/cli/dist/main.js';
const TOOLS = {
  test: (args) => test(args),
  build: (args) => tool('turbo', ['run', 'build', ...args]),
  lint: (args) => lint(args),
  format: (args) =>
    tool('prettier', ['--log-level', 'warn', ...(args.length > 0 ? args : ['--write', '.'])]),
  typecheck: async (args) =>
    (await tool('tsc', ['-p', 'test/tsconfig.json', ...args])) ||
    tool('tsc', ['-p', 'test/tsconfig.scripts.json', ...args]),
  bench: (args) => run(process.execPath, [at('test/bench/run.mjs'), ...args]),
  oracle: (args) => run(process.execPath, [at('test/oracle/run.mjs'), ...args]),
  chaos: (args) => run(process.execPath, [at('test/chaos/run.mjs'), ...args]),
};

/** An error that prevents the start; only its message is shown. */
class SetupError extends Error {}

process.env.TURBO_TELEMETRY_DISABLED = '1';
process.env.DO_NOT_TRACK = '1';
process.env.CHECKPOINT_DISABLE = '1';
await main(process.argv.slice(2));

async function main([word = '', ...rest]) {
  try {
    requireNode();
    if (TOOLS[word]) {
      await prepare({ withTools: true });
      process.exitCode = await TOOLS[word](rest);
      return;
    }
    const { file, args } = programFor(word, rest);
    await prepare({ withTools: !existsSync(at(file)) });
    process.argv.splice(1, process.argv.length, at(file), ...args);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    printMessage(error.message);
    // Not process.exit: it drops output that a slow reader has not read yet, and a compiler's
    // messages are long.
    process.exitCode = 1;
    return;
  }
  // Outside the try: from here on the program handles its own errors.
  await import(pathToFileURL(process.argv[1]).href);
}

/**
 * Without a known first word all arguments are for the CLI, as in `npm run syncline -- accounts
 * list`.
 */
function programFor(word, rest) {
  if (PROGRAMS[word]) return { file: PROGRAMS[word], args: rest };
  if (word === 'syncline') return { file: CLI, args: rest };
  if (COMMANDS_OF_CLI.includes(word)) return { file: CLI, args: [word, ...rest] };
  return { file: CLI, args: [word, ...rest].filter((arg, index) => index > 0 || arg !== '') };
}

function requireNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  throw new SetupError(
    `Syncline needs Node ${NODE_MIN.join('.')} or newer, and this is ${process.versions.node}.`,
  );
}

/**
 * Prepares the checkout so that a program can start. One process at a time: four workers that start
 * together would otherwise install and compile at the same time. An image that was built without
 * development tools is used unchanged.
 */
async function prepare({ withTools }) {
  if (!withTools && existsSync(at('node_modules')) && !existsSync(at('node_modules/typescript')))
    return;
  try {
    makeDirs(at('.syncline'));
    await withFileLock(
      at('.syncline'),
      'launch',
      {
        timeoutMs: LOCK_TIMEOUT_MS,
        onWait: () => printMessage('waiting for another command that sets things up'),
      },
      () => {
        install();
        generateClient();
        compile();
      },
    );
  } catch (error) {
    throw error instanceof SetupError || !error.syscall
      ? error
      : new SetupError(notWritable(error));
  }
}

/**
 * Explains a checkout that is not writable; it holds the lock and the stamps of completed setup
 * steps.
 */
function notWritable({ code, path: file }) {
  return `${ROOT} cannot be set up: ${file ?? ROOT} cannot be written (${code}). Run it as the user who owns the checkout, or from a copy that this user can write.`;
}

function install() {
  const lock = at('package-lock.json');
  const expected = existsSync(lock) ? sha256(readFileSync(lock)) : 'no lockfile';
  if (readIfThere(INSTALL_STAMP) === expected) return;
  if (!matchesLock(lock)) {
    const command = existsSync(lock) ? 'ci' : 'install';
    printMessage(`installing dependencies (npm ${command})`);
    quietly(
      'npm',
      [command, '--include=dev', '--include=optional', '--no-audit', '--no-fund'],
      'npm could not install the dependencies',
    );
  }
  writeWhole(INSTALL_STAMP, expected);
}

/**
 * Whether the installed packages match the lockfile, so that the user's own `npm ci` is not
 * repeated.
 */
function matchesLock(lock) {
  const installed = readIfThere(at('node_modules/.package-lock.json'));
  if (installed === null || !existsSync(lock)) return false;
  const present = JSON.parse(installed).packages;
  return Object.entries(JSON.parse(readFileSync(lock, 'utf8')).packages).every(
    ([place, { version, optional, link }]) => {
      if (link) return existsSync(at(place));
      if (!place.includes('node_modules/')) return true;
      // Packages that are absent may be binaries of other platforms.
      return present[place] ? present[place].version === version : Boolean(optional);
    },
  );
}

function generateClient() {
  const folder = at('prisma/schema');
  const files = readdirSync(folder)
    .filter((name) => name.endsWith('.prisma'))
    .sort();
  const expected = sha256(
    [
      readIfThere(INSTALL_STAMP),
      ...files.flatMap((name) => [name, readFileSync(path.join(folder, name), 'utf8')]),
    ].join('\0'),
  );
  if (existsSync(CLIENT) && readIfThere(CLIENT_STAMP) === expected) return;
  printMessage("generating Prisma's client");
  quietly(
    process.execPath,
    [at('prisma/engine/prisma.mjs'), 'generate'],
    "Prisma's client could not be generated",
  );
  writeWhole(CLIENT_STAMP, expected);
}

/** Compiles. tsc itself determines what is out of date; without changes it takes 0.1 s. */
function compile() {
  if (!existsSync(at(CLI))) printMessage('compiling');
  quietly(process.execPath, [bin('tsc'), '-b'], 'the sources do not compile');
}

/** Runs a command without output unless it fails; then all of its output is shown. */
function quietly(command, args, failure) {
  const done = spawnSync(command, args, {
    cwd: ROOT,
    env: withoutSettings(process.env),
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  if (done.status === 0) return;
  throw new SetupError(
    `${failure}:\n${[done.stdout, done.stderr, done.error?.message].filter(Boolean).join('\n').trim()}`,
  );
}

/**
 * Removes Syncline's settings from an environment: npm and the compilers run third-party code,
 * which must not read our secrets. This is a deny list, since npm reads too many variables to list
 * them.
 */
function withoutSettings(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !SETTINGS.test(name)));
}

/**
 * Runs Jest on everything or on the files in `args`. The last lines name the failed tests, and the
 * last one is the count, for people and for scripts.
 */
async function test(args) {
  const folder = mkdtempSync(path.join(tmpdir(), 'syncline-jest-'));
  process.env.TEST_COUNT_FILE = path.join(folder, 'count.json');
  try {
    const code = await tool('jest', [
      ...args,
      '--reporters=default',
      `--reporters=${at('test/support/count-reporter.cjs')}`,
    ]);
    const {
      passed,
      failed,
      names = [],
    } = JSON.parse(
      readIfThere(process.env.TEST_COUNT_FILE) ??
        '{"passed":0,"failed":1,"names":["jest ended without a result"]}',
    );
    for (const name of names) console.log(`failed: ${name}`);
    console.log(`tests: ${passed} passed, ${failed} failed`);
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs the linter on everything or on the files in `args`. Unused exports can be found only in
 * everything (knip.config.js).
 */
async function lint(args) {
  const knip = (...flags) => tool('knip', ['--no-config-hints', '--no-progress', ...flags]);
  const linted = await tool('oxlint', ['--type-aware', '--deny-warnings', ...args]);
  if (linted !== 0 || args.length > 0) return linted;
  return (await knip()) || knip('--production');
}

function tool(name, args) {
  return run(process.execPath, [bin(name), ...args]);
}

/**
 * Runs a child in the foreground and returns its exit code. Signals sent to this process alone are
 * forwarded, and this process outlives the child to report the result.
 */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit' });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
      process.on(signal, () => child.kill(signal));
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

function bin(name) {
  return realpathSync(at(`node_modules/.bin/${name}`));
}

function at(relative) {
  return path.join(ROOT, relative);
}

function sha256(content) {
  return createHash('sha256').update(content).digest('hex');
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

function printMessage(line) {
  process.stderr.write(`syncline: ${line}\n`);
}
