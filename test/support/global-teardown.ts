import { once } from 'node:events';

/** Also called when tests failed. */
export default async function tearDown(): Promise<void> {
  const guard = globalThis.synclineGuard;
  if (!guard || guard.exitCode !== null) return;
  guard.stdin?.end();
  await once(guard, 'exit');
}
