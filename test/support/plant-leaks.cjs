'use strict';

/*
 * Loaded before a program by a test of the search for leaks (NODE_OPTIONS=--require): the program
 * then leaks PLANTED_LEAK on standard output and standard error, and in every response of its
 * servers.
 */
const { ServerResponse } = require('node:http');

const leak = process.env.PLANTED_LEAK;
process.stdout.write(`planted ${leak}\n`);
process.stderr.write(`planted ${leak}\n`);

const writeHead = ServerResponse.prototype.writeHead;
ServerResponse.prototype.writeHead = function (...args) {
  this.setHeader('x-planted', leak);
  return writeHead.apply(this, args);
};
