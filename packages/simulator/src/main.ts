/**
 * The simulator as a process. It prints one JSON line to stdout when it listens, and messages for
 * people to stderr.
 */
import { HELP, readCommandLine } from './cli-options.js';
import { endProcess, ignoreGoneReaders } from './end-process.js';
import type { SimulatorOptions } from './options.js';
import { startSimulator } from './simulator.js';

/**
 * The size of the slabs for small buffers. A message consists of dozens of these, and with Node's 8
 * KB slabs every few buffers would cost a system allocation.
 */
const SLAB_BYTES = 256 * 1024;

async function main(): Promise<void> {
  const command = readCommandLine(process.argv.slice(2));
  switch (command.kind) {
    case 'help':
      process.stdout.write(HELP);
      return;
    case 'mistake':
      refuse(command.message);
      return;
    case 'run':
      await run(command.options);
  }
}

async function run(options: SimulatorOptions): Promise<void> {
  Buffer.poolSize = SLAB_BYTES;
  const simulator = await startSimulator(options);
  let closing = false;
  const close = (): void => {
    if (closing) return;
    closing = true;
    simulator.close().then(() => endProcess(0), fail);
  };
  process.once('SIGTERM', close).once('SIGINT', close);
  for (const report of simulator.loaded)
    process.stderr.write(
      `simulator: ${report.loaded} loaded from ${report.source} (${report.files.length} files)\n`,
    );
  process.stderr.write(
    `simulator: ${simulator.world.all().length} accounts at ${simulator.url}, control under ${simulator.url}/sim/\n`,
  );
  process.stdout.write(`${JSON.stringify({ url: simulator.url })}\n`);
}

function refuse(message: string): void {
  process.stderr.write(`simulator: ${message}\nTry --help.\n`);
  process.exitCode = 2;
}

/**
 * Prints an error. Invalid options and unreadable files are the caller's mistakes; a used port is
 * the machine's state.
 */
function fail(error: unknown): void {
  process.stderr.write(`simulator: ${error instanceof Error ? error.message : String(error)}\n`);
  endProcess(error instanceof RangeError || isMissing(error) ? 2 : 1);
}

function isMissing(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EISDIR')
  );
}

ignoreGoneReaders();
main().catch(fail);
