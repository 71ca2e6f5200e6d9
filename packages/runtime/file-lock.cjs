'use strict';
/**
 * A lock between processes of one machine. A kill -9 cannot leave it held.
 *
 * A claim is a file `<name>.<n>`. A process holds the lock after creating the next number, provided
 * that the highest existing claim is free or its owner has exited. Numbers only grow. Removing a
 * stale lock and taking the lock are therefore never two steps. The usual `O_EXCL` file lock has
 * these two steps and lets two processes in: both find that the owner has exited, and the slower
 * process deletes the claim of the faster one.
 *
 * This file is plain JavaScript because the launcher needs it before anything is installed or
 * compiled.
 */
const { execFileSync } = require('node:child_process');
const { randomUUID } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const POLL_MS = 40;
const FREE = 'free';

/**
 * Runs `body` while holding `<dir>/<name>`. Waits for other holders for at most `timeoutMs`, or
 * until `signal` is aborted.
 */
async function withFileLock(dir, name, { timeoutMs, onWait = () => {}, signal }, body) {
  makeDirs(dir);
  const deadline = performance.now() + timeoutMs;
  let reported = false;
  let claim = tryClaim(dir, name);
  while (claim === null) {
    signal?.throwIfAborted();
    if (performance.now() > deadline)
      throw new Error(
        `another process has held ${path.join(dir, name)} for ${Math.round(timeoutMs / 1000)} s`,
      );
    if (!reported) onWait();
    reported = true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    claim = tryClaim(dir, name);
  }
  try {
    return await body();
  } finally {
    writeWhole(claim, FREE);
  }
}

/**
 * Creates a directory and its parents. Node's recursive mkdir never returns for a parent that is
 * visible but not writable, such as /proc. Throws the system's error, also when a file is in the
 * way.
 */
function makeDirs(dir, mode = 0o777) {
  const whole = path.resolve(dir);
  const missing = [];
  for (let at = whole; !fs.existsSync(at); at = path.dirname(at)) missing.unshift(at);
  for (const one of missing) {
    try {
      fs.mkdirSync(one, { mode });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error; // Another process created it first.
    }
  }
  if (!fs.statSync(whole).isDirectory())
    throw Object.assign(new Error(`${whole} is not a directory`), { code: 'ENOTDIR' });
}

/** Returns the path of this process's claim, or null while another process holds the lock. */
function tryClaim(dir, name) {
  const highest = claimNumbers(dir, name).at(-1) ?? 0;
  if (highest > 0 && !isFree(claimPath(dir, name, highest))) return null;
  const own = claimPath(dir, name, highest + 1);
  const draft = `${own}.${randomUUID()}`;
  fs.writeFileSync(draft, identityOf(process.pid) ?? FREE);
  try {
    fs.linkSync(draft, own); // The link creates the file with its content in one step.
  } catch (error) {
    if (error.code === 'EEXIST') return null;
    throw error;
  } finally {
    fs.unlinkSync(draft);
  }
  // Other processes may have taken the lock since the numbers were read above. In that case this
  // claim reuses a number that was already used and removed.
  if (claimNumbers(dir, name).at(-1) !== highest + 1) {
    fs.rmSync(own, { force: true });
    return null;
  }
  for (const old of claimNumbers(dir, name))
    if (old <= highest) fs.rmSync(claimPath(dir, name, old), { force: true });
  return own;
}

function isFree(file) {
  try {
    const owner = fs.readFileSync(file, 'utf8');
    return owner === FREE || !isAlive(owner);
  } catch (error) {
    // A newer holder removed the file; the caller has to read the numbers again.
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

function claimNumbers(dir, name) {
  return fs
    .readdirSync(dir)
    .filter((file) => file.startsWith(`${name}.`) && /^\d+$/.test(file.slice(name.length + 1)))
    .map((file) => Number(file.slice(name.length + 1)))
    .sort((a, b) => a - b);
}

function claimPath(dir, name, number) {
  return path.join(dir, `${name}.${number}`);
}

/**
 * Replaces a file in one step: a reader gets the old content or the new content. A crash leaves one
 * of the two.
 */
function writeWhole(file, content, mode = 0o600) {
  const draft = `${file}.${randomUUID()}`;
  fs.writeFileSync(draft, content, { mode });
  fs.renameSync(draft, file);
}

/**
 * Returns `<pid> <start time>`, because the system reuses pids. Returns null when there is no such
 * process or only its zombie.
 */
function identityOf(pid) {
  if (process.platform === 'linux') {
    try {
      const fields = fs
        .readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return fields[0] === 'Z' || fields[0] === 'X' ? null : `${pid} ${fields[19]}`;
    } catch {
      return null;
    }
  }
  try {
    return `${pid} ${execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' } }).trim()}`;
  } catch {
    return null;
  }
}

/** Whether the process with this identity is still running. */
function isAlive(identity) {
  const pid = Number(identity.split(' ')[0]);
  return Number.isInteger(pid) && pid > 0 && identityOf(pid) === identity;
}

exports.withFileLock = withFileLock;
exports.makeDirs = makeDirs;
exports.writeWhole = writeWhole;
exports.identityOf = identityOf;
exports.isAlive = isAlive;
