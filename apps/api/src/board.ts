import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { type Fleet, readJobData } from '@syncline/fleet';
import type { Router } from 'express';

/** Must equal the path it is mounted at: the page builds its links from it. */
export const BOARD_PATH = '/board';

/**
 * What the page may load: itself. Its style is inline in places, and it names a font on another host, which stays
 * unfetched: an operator's tool tells no third party that it was opened.
 */
export const BOARD_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Bull Board over the fleet's queues, to look at only: retrying by hand is never needed, since Postgres brings everything
 * back, and the mutating routes answer 405. `showWorkers` would run CLIENT LIST for each queue on every poll of every tab
 * (measured: 123 ms a poll with 1,000 connections).
 */
export function queueBoard(fleet: Pick<Fleet, 'queues'>): Router {
  const serverAdapter = new ExpressAdapter();
  serverAdapter.setBasePath(BOARD_PATH);
  createBullBoard({
    queues: fleet.queues().map((queue) => boardQueue(queue)),
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: 'Syncline',
        hideRedisDetails: true,
        showWorkers: false,
        hideDocsLink: true,
        pollingInterval: { forceInterval: 5 },
      },
    },
  });
  return serverAdapter.getRouter() as Router;
}

/** What a job shows is made here and not taken from Redis: an id, or that it isn't one of ours. */
function boardQueue(queue: ConstructorParameters<typeof BullMQAdapter>[0]): BullMQAdapter {
  const adapter = new BullMQAdapter(queue, { readOnlyMode: true, delimiter: '-' });
  adapter.setFormatter(
    'data',
    (data: unknown) => readJobData(data) ?? { refused: 'not the data of a job of ours' },
  );
  adapter.setFormatter(
    'name',
    (job) => `sync ${readJobData(job.data)?.collectionId ?? '(unknown)'}`,
  );
  adapter.setFormatter('returnValue', () => null);
  return adapter;
}
