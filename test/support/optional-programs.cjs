'use strict';
const { existsSync, readFileSync, readdirSync } = require('node:fs');
const path = require('node:path');

/*
 * Tests that need programs which may be missing on a machine: a test file names them in a comment,
 * `@needs pgbouncer redis-sentinel`. If one is missing, the file is not run, and the reporter says
 * so. In CI every file is run, so that a missing program is a failure; .ci/run installs them.
 * `@needs root` is for tests that start programs as another user.
 */

const FOLDER = path.resolve(__dirname, '../scenarios');
const NEEDS = /^\s*(?:\*|\/\/) ?@needs (.+)$/m;

/** Returns the test files that cannot be run here, with the missing programs. */
function notRun(environment = process.env) {
  if (environment.CI === 'true') return [];
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => ({ file: path.join(FOLDER, name), missing: missingFor(name, environment) }))
    .filter(({ missing }) => missing.length > 0);
}

function missingFor(name, { PATH = '' }) {
  const needed = NEEDS.exec(readFileSync(path.join(FOLDER, name), 'utf8'))?.[1] ?? '';
  // Debian's daemons are in directories that an ordinary user's PATH lacks.
  const folders = [...PATH.split(path.delimiter), '/usr/sbin', '/usr/local/sbin'].filter(Boolean);
  return needed
    .split(/\s+/)
    .filter(Boolean)
    .filter((program) =>
      program === 'root'
        ? process.getuid?.() !== 0
        : !folders.some((folder) => existsSync(path.join(folder, program))),
    );
}

module.exports = { notRun };
