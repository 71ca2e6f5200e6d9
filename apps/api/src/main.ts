import { openFleet } from '@syncline/fleet';
import { type ResolvedConfig, type Runtime, type Service, runProcess } from '@syncline/runtime';
import { openStore } from '@syncline/store';
import { createApp } from './app.js';
import { listen } from './listen.js';

/** Health checks and what later routes read; the mirror is not served from here. */
const POOL_SIZE = 4;

void runProcess('api', startApi, { requires: ['master-key'] });

async function startApi(rt: Runtime, { databaseUrl, masterKey, redisUrl, port }: ResolvedConfig): Promise<Service> {
  const store = await openStore(rt, { databaseUrl, masterKey, poolSize: POOL_SIZE });
  const fleet = await openFleet(rt, { redisUrl });
  const server = await listen(createApp(rt, { store, fleet }), port);
  const url = `http://localhost:${server.port}`;
  rt.log.info({ event: 'listening', url, board: `${url}/board` }, 'the API answers');
  return {
    drain: async () => {
      await server.close(rt);
      await Promise.all([fleet.close(), store.close()]);
    },
  };
}
