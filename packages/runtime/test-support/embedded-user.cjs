'use strict';
/**
 * `node embedded-user.cjs DATA_DIR`: uses the embedded servers until standard input ends. Prints
 * their addresses as one JSON line.
 */
const { once } = require('node:events');
const { startEmbedded } = require('../dist/index.js');

(async () => {
  const embedded = await startEmbedded({ dataDir: process.argv[2] });
  process.stdout.write(
    `${JSON.stringify({ databaseUrl: embedded.databaseUrl, administratorUrl: embedded.administratorUrl, redisUrl: embedded.redisUrl, masterKey: embedded.masterKey.toString('hex') })}\n`,
  );
  await once(process.stdin.resume(), 'close');
  await embedded.release();
})();
