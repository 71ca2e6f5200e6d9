'use strict';
const { hash } = require('node:crypto');
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

/**
 * Loading is two thirds of a command's CPU time. This keeps V8's compiled code and the resolved
 * names of a program's modules in a file, for the processes that one run of the tests starts.
 * Modules are loaded and executed as without it.
 * @param directory has a file for each program; its first process writes it, and those that load
 * more extend it
 */
module.exports = function cacheCompiledCode(directory) {
  const program = process.argv[1];
  if (program === undefined) return;
  const file = path.join(directory, program.replaceAll(/\W+/g, '-'));
  // `pg` otherwise loads Node's `fetch` to find out that this is Node; Node 21 has this global.
  globalThis.navigator ??= { userAgent: `Node.js/${process.versions.node.split('.')[0]}` };
  const cache = readCache(file);
  cacheResolution(cache);
  cacheCompilation(cache);
  // Killed processes write nothing at their end.
  setTimeout(() => writeCache(file, cache), WRITE_AFTER_MS).unref();
  process.on('exit', () => writeCache(file, cache));
};

const WRITE_AFTER_MS = 1_000;

function cacheResolution(cache) {
  const resolve = Module._resolveFilename;
  Module._resolveFilename = function (request, parent, isMain, options) {
    if (!parent?.filename || isMain || options || Module.isBuiltin(request))
      return resolve.call(this, request, parent, isMain, options);
    const key = `${path.dirname(parent.filename)}\0${request}`;
    const known = cache.names.get(key);
    if (known !== undefined) return known;
    const found = resolve.call(this, request, parent, isMain, options);
    cache.names.set(key, found);
    cache.isNew = true;
    return found;
  };
}

function cacheCompilation(cache) {
  const compile = Module.prototype._compile;
  Module.prototype._compile = function (content, filename, format) {
    const script = isPlain(content, format) ? scriptOf(cache, content, filename) : null;
    if (script === null) return compile.call(this, content, filename, format);
    const wrapped = script.runInThisContext();
    const own = this.exports;
    return wrapped.call(own, own, requireOf(this), this, filename, path.dirname(filename));
  };
}

/** Whether a script can replace the module: scripts with cached code have no `import()`. */
function isPlain(content, format) {
  return (format === undefined || format === 'commonjs') && !/\bimport\(|^#!/.test(content);
}

function requireOf(parent) {
  const require = (id) => parent.require(id);
  const resolve = (request, options) => Module._resolveFilename(request, parent, false, options);
  resolve.paths = (request) => Module._resolveLookupPaths(request, parent);
  const { _cache: cache, _extensions: extensions } = Module;
  return Object.assign(require, { resolve, cache, extensions, main: process.mainModule });
}

/** Returns null for what is no script, such as an ES module. */
function scriptOf(cache, content, filename) {
  const digest = hash('sha1', content);
  const known = cache.code.get(filename);
  const cachedData = known?.digest === digest ? known.data : undefined;
  try {
    const script = new vm.Script(Module.wrap(content), { filename, cachedData });
    if (cachedData === undefined) {
      cache.isNew = true;
      cache.compiled.set(filename, { digest, script });
    }
    return script;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The file: the index' length in 4 bytes, the index in JSON, the code of all modules. */
function readCache(file) {
  const cache = { names: new Map(), code: new Map(), compiled: new Map(), isNew: false };
  const bytes = readIfThere(file);
  if (bytes === null) return cache;
  const start = 4 + bytes.readUInt32LE(0);
  const { names, code } = JSON.parse(bytes.toString('utf8', 4, start));
  cache.names = new Map(names);
  for (const [filename, digest, at, length] of code)
    cache.code.set(filename, {
      digest,
      data: bytes.subarray(start + at, start + at + length),
    });
  return cache;
}

/** Replaces the file in one step, since processes read it at any time. */
function writeCache(file, cache) {
  if (!cache.isNew) return;
  cache.isNew = false;
  for (const [filename, { digest, script }] of cache.compiled)
    cache.code.set(filename, { digest, data: script.createCachedData() });
  let at = 0;
  const code = [...cache.code].map(([filename, { digest, data }]) => {
    const entry = [filename, digest, at, data.length];
    at += data.length;
    return entry;
  });
  const index = Buffer.from(JSON.stringify({ names: [...cache.names], code }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(index.length);
  const parts = [length, index, ...[...cache.code.values()].map(({ data }) => data)];
  const unfinished = `${file}.${process.pid}`;
  try {
    writeFileSync(unfinished, Buffer.concat(parts));
    renameSync(unfinished, file);
  } catch (error) {
    // The run of the tests has ended, and its directory is gone; or this user may not write there.
    if (!['ENOENT', 'EACCES'].includes(error.code)) throw error;
  }
}

function readIfThere(file) {
  try {
    return readFileSync(file);
  } catch (error) {
    if (['ENOENT', 'EACCES'].includes(error.code)) return null;
    throw error;
  }
}
