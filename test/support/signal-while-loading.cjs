'use strict';
/** Loaded ahead of a program (`node --require`): it gets SIGTERM when it begins to load what it is made of. */
const Module = require('node:module');

const load = Module._load;
Module._load = function (request, ...rest) {
  if (request === '@syncline/runtime') {
    Module._load = load;
    process.kill(process.pid, 'SIGTERM');
  }
  return load.call(this, request, ...rest);
};
