'use strict';
/**
 * `node lock-user.cjs DIR TIMES`: increments DIR/count TIMES times, each time under the lock. With
 * `die` for TIMES the process is killed while it holds the lock.
 */
const { readFileSync, writeFileSync } = require('node:fs');
const path = require('node:path');
const { withFileLock } = require('../file-lock.cjs');

const [dir, times] = process.argv.slice(2);
const count = path.join(dir, 'count');

(async () => {
  if (times === 'die')
    await withFileLock(dir, 'lock', { timeoutMs: 10_000 }, () =>
      process.kill(process.pid, 'SIGKILL'),
    );
  for (let i = 0; i < Number(times); i++) {
    await withFileLock(dir, 'lock', { timeoutMs: 30_000 }, async () => {
      const seen = Number(readFileSync(count, 'utf8'));
      // Lets a second holder, if there is one, read the same number.
      await new Promise((resolve) => setImmediate(resolve));
      writeFileSync(count, String(seen + 1));
    });
  }
})();
