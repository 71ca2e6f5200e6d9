'use strict';
/**
 * Loaded before a program (`node --require`): sends SIGTERM to it when it begins to load its
 * modules.
 */
const Module = require('node:module');

const load = Module._load;
Module._load = function (request, ...rest) {
  if (request === '@syncline/runtime') {
    Module._load = load;
    process.kill(process.pid, 'SIGTERM');
  }
  return load.call(this, request, ...rest);
};
