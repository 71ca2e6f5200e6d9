/**
 * Runs `body` while holding the lock `name` in `dir`. Waits for other holders, at most `timeoutMs`, and rejects then; an
 * aborted `signal` ends the wait with its reason.
 */
export function withFileLock<T>(
  dir: string,
  name: string,
  options: { timeoutMs: number; onWait?: () => void; signal?: AbortSignal },
  body: () => Promise<T> | T,
): Promise<T>;
/** Makes a directory and those above it. @throws the system's error, with its `code` */
export function makeDirs(dir: string, mode?: number): void;
/** Replaces a file in one step. `mode` defaults to 0600. */
export function writeWhole(file: string, content: string, mode?: number): void;
/** `<pid> <when it started>`; null when there is no such process. */
export function identityOf(pid: number): string | null;
/** Whether the process that once had this identity still runs. */
export function isAlive(identity: string): boolean;
