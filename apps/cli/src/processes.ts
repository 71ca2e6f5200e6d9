/**
 * The child processes of `up` and `demo`, each a program of the fleet as it would run on a machine
 * of its own.
 *
 * - A process that ends is restarted with backoff; the others are not affected. A process that ends
 *   with an error before it was ever ready would fail in the same way again: the error is reported
 *   once, and the whole group ends.
 * - Each logs to a file; errors, and their texts for a person on stderr, are shown.
 * - They have process groups of their own: otherwise Ctrl-C would reach them twice, and a second
 *   signal means "now". Each holds a channel to the parent and drains when it closes
 *   (exit-with-parent.ts), so that a killed parent leaves none behind.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { OperatorError, type Runtime, makeDir, must } from '@syncline/runtime';
import { type LogFile, openLogFile } from './log-file.js';
import { printable } from './terminal.js';

export interface ProcessSpec {
  /** Unique among the processes; also its log file's name. */
  name: string;
  /** The program's file. */
  script: string;
  args?: readonly string[];
  env: NodeJS.ProcessEnv;
  /** The process holds state that is lost when it ends, so its end always ends the whole group. */
  irreplaceable?: true;
  /** Called with every line on its stdout. */
  onLine?: (line: string) => void;
}

export interface ProcessesOptions {
  logDir: string;
  /** Shows a line to the person. */
  report: (line: string) => void;
}

export interface Processes {
  /** Starts a process and keeps it running until `drain`. */
  keep(spec: ProcessSpec): void;
  /** Aborted, with an OperatorError as its reason, when a process cannot be kept running. */
  readonly failed: AbortSignal;
  /**
   * Sends SIGTERM to all, and SIGKILL after 6 s to those still running; resolves when all have
   * ended.
   */
  drain(): Promise<void>;
}

/**
 * The maximum time that a program of the fleet takes without embedded servers: 5.5 s to drain, and
 * 0.5 s to flush its output.
 */
const DRAIN_DEADLINE_MS = 6_000;
const FIRST_BACKOFF_MS = 500;
const BACKOFF_CAP_MS = 30_000;
/** A process that ran this long has started correctly; its next restart begins with the shortest delay. */
const STABLE_MS = 30_000;
const EXIT_WITH_PARENT = path.join(__dirname, 'exit-with-parent.js');
const SHOWN_LEVELS = ['error', 'fatal'];

interface ProcessGroup {
  rt: Runtime;
  options: ProcessesOptions;
  children: Set<ChildProcess>;
  /** Aborted when draining starts. */
  stopping: AbortController;
  failed: AbortController;
}

export function openProcesses(rt: Runtime, options: ProcessesOptions): Processes {
  makeDir(options.logDir);
  const group: ProcessGroup = {
    rt,
    options,
    children: new Set(),
    stopping: new AbortController(),
    failed: new AbortController(),
  };
  const kept: Promise<void>[] = [];
  return {
    keep: (spec) => void kept.push(keep(group, spec)),
    failed: group.failed.signal,
    drain: () => drain(group, kept),
  };
}

/** Runs one process, over all its restarts. */
async function keep(group: ProcessGroup, spec: ProcessSpec): Promise<void> {
  const { rt, options, stopping } = group;
  const log = openLogFile(path.join(options.logDir, `${spec.name}.log`));
  let backoffMs = FIRST_BACKOFF_MS;
  for (let everReady = false; !stopping.signal.aborted;) {
    const startedMs = rt.clock.nowMs();
    const end = await runOnce(group, spec, log);
    if (stopping.signal.aborted) break;
    const isStable = rt.clock.nowMs() - startedMs >= STABLE_MS;
    everReady ||= end.wasReady || isStable;
    const how = end.signal ?? `exit code ${end.code ?? 'unknown'}`;
    if (spec.irreplaceable || (!everReady && end.signal === null)) {
      group.failed.abort(
        new OperatorError(
          `${spec.name} ${spec.irreplaceable ? 'ended unexpectedly' : 'could not be started'} (${how}).`,
        ),
      );
      break;
    }
    if (isStable) backoffMs = FIRST_BACKOFF_MS;
    options.report(`${spec.name} ended unexpectedly (${how}); starting it again`);
    await sleepUntil(rt, backoffMs, stopping.signal);
    backoffMs = Math.min(BACKOFF_CAP_MS, backoffMs * 2);
  }
  await log.close();
}

interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
  wasReady: boolean;
}

function runOnce(group: ProcessGroup, spec: ProcessSpec, log: LogFile): Promise<End> {
  const child = spawn(
    process.execPath,
    ['--require', EXIT_WITH_PARENT, spec.script, ...(spec.args ?? [])],
    {
      env: spec.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  group.children.add(child);
  let wasReady = false;
  onLines(must(child.stdout, 'stdout is a pipe'), (line) => {
    log.write(line);
    wasReady ||= /"event":"ready"/.test(line);
    showError(group, spec.name, line);
    spec.onLine?.(line);
  });
  onLines(must(child.stderr, 'stderr is a pipe'), (line) => {
    log.write(line);
    group.options.report(
      printable(line.startsWith(`${spec.name}: `) ? line : `${spec.name}: ${line}`),
    );
  });
  return new Promise((resolve) => {
    const onEnd = (code: number | null, signal: NodeJS.Signals | null): void => {
      group.children.delete(child);
      resolve({ code, signal, wasReady });
    };
    // Not 'exit': the last lines, which have the reason, come after it.
    child.once('close', onEnd);
    child.once('error', (error) => {
      group.options.report(`${spec.name}: ${error.message}`);
      if (child.pid === undefined) onEnd(null, null); // Never started, so 'close' does not come.
    });
  });
}

/** Shows the message of a log line if it reports an error; the rest is in the file. */
function showError(group: ProcessGroup, name: string, line: string): void {
  const entry = logEntry(line);
  if (entry === null || !SHOWN_LEVELS.includes(entry.level)) return;
  group.options.report(
    printable(`${name}: ${entry.msg}${entry.why === '' ? '' : ` (${entry.why})`}`),
  );
}

function logEntry(line: string): { level: string; msg: string; why: string } | null {
  if (!line.startsWith('{"level"')) return null;
  try {
    // Our own log's format always has level and msg.
    const { level, msg, err } = JSON.parse(line) as {
      level: string;
      msg: string;
      err?: { message?: string };
    };
    return { level, msg, why: err?.message ?? '' };
  } catch {
    return null; // Cut off by the process's end; the file has it unchanged.
  }
}

async function drain(group: ProcessGroup, kept: readonly Promise<void>[]): Promise<void> {
  group.stopping.abort(new Error('draining'));
  for (const child of group.children) child.kill('SIGTERM');
  const done = new AbortController();
  const killing = killLate(group, done.signal);
  await Promise.all(kept);
  done.abort(new Error('all have ended'));
  await killing;
}

async function killLate(group: ProcessGroup, onEnd: AbortSignal): Promise<void> {
  await sleepUntil(group.rt, DRAIN_DEADLINE_MS, onEnd);
  for (const child of group.children) child.kill('SIGKILL');
}

/** Resolves after `ms`, or at once when the signal is aborted. */
async function sleepUntil(rt: Runtime, ms: number, signal: AbortSignal): Promise<void> {
  await rt.clock.sleep(ms, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

function onLines(stream: Readable, take: (line: string) => void): void {
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', take);
}
