/**
 * Preloaded with `node -r` to run a TypeScript source of this repository directly, so that a test's
 * child process does not run a stale build.
 */
const Module = require('node:module');
const { existsSync, readFileSync } = require('node:fs');
const path = require('node:path');
const { transformSync } = require('@swc/core');

const root = path.resolve(__dirname, '../../..');

const resolveFilename = Module._resolveFilename;
Module._resolveFilename = function resolve(request, parent, ...rest) {
  const ours = /^@syncline\/(\w+)$/.exec(request);
  if (ours) return path.join(root, 'packages', ours[1], 'src/index.ts');
  if (request.startsWith('.') && request.endsWith('.js') && parent?.filename?.endsWith('.ts')) {
    const source = path.resolve(path.dirname(parent.filename), request.replace(/\.js$/, '.ts'));
    if (existsSync(source)) return source;
  }
  return resolveFilename.call(this, request, parent, ...rest);
};

Module._extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), {
    filename,
    configFile: path.join(root, '.swcrc'),
    swcrc: false,
  });
  module._compile(code, filename);
};
