import { once } from 'node:events';
import { rmSync } from 'node:fs';
import path from 'node:path';

/** Also called when tests failed. */
export default async function tearDown(): Promise<void> {
  const guard = globalThis.synclineGuard;
  if (!guard || guard.exitCode !== null) return;
  guard.stdin?.end();
  await once(guard, 'exit');
  const preload = process.env['SYNCLINE_TEST_PRELOAD'];
  if (preload !== undefined) rmSync(path.dirname(preload), { recursive: true });
}
