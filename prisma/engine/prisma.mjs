#!/usr/bin/env node
/**
 * Prisma's own CLI with the schema engine beside this file instead of the native one, which it would download from
 * Prisma's servers before even `generate` and `validate`: here everything comes from npm.
 *
 *   node prisma/engine/prisma.mjs generate | validate | format | migrate dev | migrate diff … | db …
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const cli = path.join(
  path.dirname(createRequire(import.meta.url).resolve('prisma/package.json')),
  'build',
  'index.js',
);
const engine = path.join(here, 'schema-engine.mjs');
if ((statSync(engine).mode & 0o100) === 0) chmodSync(engine, 0o755); // An archive may have lost the bit, and Prisma starts it as a program.
const env = {
  PRISMA_SCHEMA_ENGINE_BINARY: engine,
  PRISMA_HIDE_UPDATE_MESSAGE: '1',
  CHECKPOINT_DISABLE: '1',
  ...process.env,
};
const done = spawnSync(process.execPath, [cli, ...process.argv.slice(2)], {
  stdio: 'inherit',
  env,
  cwd: path.join(here, '..', '..'),
});
process.exit(done.status ?? 1);
