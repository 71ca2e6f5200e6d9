#!/usr/bin/env node
/**
 * Composition root of the command line. Exit codes: 0 done, 1 failed or drift found, 2 usage.
 * stdout carries data; texts for a person go to stderr.
 */
import '@syncline/runtime/at-start';
import { restoreSignals } from '@syncline/runtime';
import { CommanderError } from 'commander';
import { explain } from './errors.js';
import { endWith } from './output.js';
import { buildProgram } from './program.js';
import { printMessage } from './terminal.js';

const USAGE = 2;

async function main(args: readonly string[]): Promise<never> {
  // Uncaught errors, including unhandled rejections.
  process.once('uncaughtException', (error) => void endWith(report(error)));
  const code = await codeOf(args);
  restoreSignals();
  // An open handle would keep the process alive, so it always exits explicitly.
  return endWith(code);
}

async function codeOf(args: readonly string[]): Promise<number> {
  try {
    const program = await buildProgram(args);
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    return error instanceof CommanderError ? commanderCode(error) : report(error);
  }
}

/**
 * Returns the exit code for commander's error. Only a request for help gets 0. Commander has
 * already printed its message.
 */
function commanderCode(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : USAGE;
}

function report(error: unknown): number {
  const { code, message } = explain(error);
  printMessage(message);
  return code;
}

void main(process.argv.slice(2));
