#!/usr/bin/env node
/**
 * Stands in for Prisma's native `schema-engine` binary, which only Prisma's servers have: the same engine compiled to
 * WebAssembly comes from npm. Prisma's CLI starts this file and talks to it in one of two ways:
 *
 *   schema-engine --datasource JSON cli can-connect-to-database | create-database | drop-database
 *       exit code 0 or 1; stderr: a line that is skipped, then one JSON line with the error
 *   schema-engine --datamodels FILE … --datasource JSON
 *       JSON-RPC, a message a line: requests on stdin, answers on stdout, one at a time
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import { MigrationPg, parseUrl } from './migration-adapter.mjs';
import { createDatabase, dropDatabase, withClient } from './databases.mjs';

const require = createRequire(import.meta.url);
const RPC_ERROR = 4466; // The native engine's code for every error.
const PANIC_EXIT = 101;

const { datamodels, datasource, command } = readArguments(process.argv.slice(2));
const panic = reportPanics();

if (command[0] === '--version' || command[0] === '-V') console.log('schema-engine-cli wasm');
else if (command[0] === 'cli') await runCommand(command[1]);
else await serve();

function readArguments(argv) {
  const read = { datamodels: [], datasource: {}, command: [] };
  for (let i = 0; i < argv.length; i++) {
    if (argv[i] === '--datamodels') read.datamodels.push(argv[++i]);
    else if (argv[i] === '--datasource') read.datasource = JSON.parse(argv[++i]);
    else if (argv[i] === '--extension-types' || argv[i] === '--enabled-preview-features') i++;
    else read.command.push(argv[i]);
  }
  return read;
}

async function runCommand(name) {
  const { connection } = parseUrl(datasource.url);
  try {
    if (name === 'can-connect-to-database')
      await withClient(connection, (client) => client.query('SELECT 1'));
    else if (name === 'create-database') await createDatabase(connection);
    else if (name === 'drop-database') await dropDatabase(connection, connection.database);
    else throw new Error(`unknown command: ${name}`);
    end(0);
  } catch (error) {
    logLine('INFO', 'schema_engine', { message: 'wasm' });
    logLine('ERROR', 'schema_engine::logger', {
      error_code: prismaCode(error),
      message: error.message || error.code || String(error),
    });
    end(1);
  }
}

async function serve() {
  const engine = await openEngine();
  let previous = Promise.resolve();
  const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
  lines.on('line', (line) => {
    const request = line.trim() === '' ? {} : JSON.parse(line);
    if (request.method) previous = previous.then(() => answer(engine, request)); // What has no method acknowledges our `print`.
  });
  lines.on('close', () => void previous.then(() => setTimeout(() => end(0), 0)));
}

async function openEngine() {
  const bindings = await import('@prisma/schema-engine-wasm/schema_engine_bg');
  const wasm = require
    .resolve('@prisma/schema-engine-wasm/schema_engine_bg')
    .replace(/\.js$/, '.wasm');
  const { instance } = await WebAssembly.instantiate(readFileSync(wasm), {
    './schema_engine_bg.js': bindings,
  });
  bindings.__wbg_set_wasm(instance.exports);
  instance.exports.__wbindgen_start();
  const sources =
    datamodels.length > 0
      ? datamodels.map((file) => [file, readFileSync(file, 'utf8')])
      : undefined;
  const adapter = bindMigrationAwareSqlAdapterFactory(
    new MigrationPg(datasource.url, datasource.shadowDatabaseUrl),
  );
  return bindings.SchemaEngine.new({ datamodels: sources }, () => {}, adapter);
}

async function answer(engine, { id, method, params }) {
  try {
    send({ id, result: await call(engine, method, params) });
  } catch (error) {
    const isPanic = error instanceof WebAssembly.RuntimeError;
    const data = {
      is_panic: isPanic,
      message: (isPanic && panic.message) || error.message || String(error),
      meta: error.meta ?? {},
      error_code: error.code,
    };
    send({
      id,
      error: {
        code: RPC_ERROR,
        message: 'An error happened. Check the data field for details.',
        data,
      },
    });
  }
}

async function call(engine, method, params) {
  if (method === 'getDatabaseVersion') return engine.version(params);
  if (typeof engine[method] !== 'function')
    throw new Error(`the schema engine has no method ${method}`);
  const result = (await engine[method](params)) ?? {};
  if (method !== 'diff') return result;
  if (result.stdout != null) send({ method: 'print', params: { content: result.stdout }, id: 1 });
  return { exitCode: result.exitCode };
}

/**
 * Ends the process after its output is written: `process.exit` drops what still waits in a pipe.
 */
function end(code) {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}

function send(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

/**
 * Reports a Rust panic, which appears as an uncaught RuntimeError of a promise, in the native
 * engine's format, which the CLI understands.
 */
function reportPanics() {
  const seen = { message: undefined };
  globalThis.PRISMA_WASM_PANIC_REGISTRY = {
    set_message: (message) => {
      seen.message = message;
    },
  };
  process.on('uncaughtException', (error) => {
    process.stderr.write('\n');
    logLine('ERROR', 'schema_engine::logger', {
      message: seen.message ?? error.message,
      backtrace: error.stack,
    });
    end(error instanceof WebAssembly.RuntimeError ? PANIC_EXIT : 1);
  });
  return seen;
}

function logLine(level, target, fields) {
  process.stderr.write(`${JSON.stringify({ level, target, fields })}\n`);
}

/**
 * Returns Prisma's code for errors that the CLI explains to the user: unreachable, refused,
 * missing, existing, forbidden.
 */
function prismaCode({ code }) {
  if (['ECONNREFUSED', 'ENOTFOUND', 'ETIMEDOUT', 'EHOSTUNREACH', 'EAI_AGAIN'].includes(code))
    return 'P1001';
  return { '28P01': 'P1000', 28000: 'P1000', '3D000': 'P1003', '42P04': 'P1009', 42501: 'P1010' }[
    code
  ];
}
