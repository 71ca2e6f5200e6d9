/**
 * A worker process for tests to kill: it fetches a job, never finishes it, and prints a line per
 * fetch. `argv`: Redis URL, prefix, holder.
 */
import { createRuntime } from '@syncline/runtime';
import { openFleet } from '../src/index.js';

async function main(redisUrl: string, prefix: string, holder: string | undefined): Promise<void> {
  const rt = createRuntime({ service: 'worker-child', logLevel: 'silent', stdout: 'stderr' });
  const fleet = await openFleet(rt, {
    redisUrl,
    redisPrefix: prefix,
    deployment: null,
    ...(holder === undefined ? {} : { holder }),
  });
  await fleet.work({
    concurrency: {
      'gmail-full': 1,
      'gmail-incremental': 1,
      'calendar-full': 1,
      'calendar-incremental': 1,
      'contacts-full': 1,
      'contacts-incremental': 1,
      watch: 1,
    },
    handle: async ({ collectionId }) => {
      process.stdout.write(`fetched ${collectionId}\n`);
      return new Promise(() => undefined);
    },
  });
  process.stdout.write('ready\n');
}

void main(process.argv[2] ?? '', process.argv[3] ?? '', process.argv[4]);
