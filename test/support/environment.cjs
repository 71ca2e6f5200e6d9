'use strict';
const vm = require('node:vm');
const { TestEnvironment } = require('jest-environment-node');

/**
 * Jest compiles every module again for each test file, which is half of the loading time. This
 * caches V8's compiled code of each source in a worker, so that it is compiled once. The modules
 * themselves are still loaded for each file.
 */
const compiled = new Map();
const { compileFunction } = vm;

vm.compileFunction = (source, params, options) => {
  const known = compiled.get(options.filename);
  const cachedData = known?.source === source ? known.data : undefined;
  const fn = compileFunction(source, params, {
    ...options,
    cachedData,
    produceCachedData: cachedData === undefined,
  });
  if (cachedData === undefined || fn.cachedDataRejected)
    compiled.set(options.filename, { source, data: fn.cachedData });
  return fn;
};

/**
 * Adds to the error of a failed test or hook what `failed-commands.ts` knows about its commands. The
 * test's servers and processes still run then.
 */
class SynclineEnvironment extends TestEnvironment {
  async handleTestEvent({ name, error }) {
    if (name !== 'test_fn_failure' && name !== 'hook_failure') return;
    const text = await this.global.synclineExplainFailure?.();
    if (!text || typeof error?.message !== 'string') return;
    const { message, stack } = error;
    const explained = `${message}\n\n${text}`;
    error.message = explained;
    error.stack = stack?.replace(message, () => explained);
  }
}

module.exports = SynclineEnvironment;
