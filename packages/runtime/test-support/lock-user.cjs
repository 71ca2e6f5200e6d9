'use strict';
/** `node lock-user.cjs DIR TIMES`: adds one to DIR/count, TIMES times, each time under the lock; with `die` for TIMES it is killed holding it. */
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
      await new Promise((resolve) => setImmediate(resolve)); // Gives a second holder its chance to read the same number.
      writeFileSync(count, String(seen + 1));
    });
  }
})();
