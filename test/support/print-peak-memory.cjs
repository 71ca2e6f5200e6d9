'use strict';
const { readFileSync, writeSync } = require('node:fs');

/*
 * Preloaded into a program: at its end it prints its largest resident size. Not from getrusage,
 * which on Linux includes the size of the process that started the program.
 */
process.once('exit', () => {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
  writeSync(2, `peak memory: ${peak[1]} kB\n`);
});
