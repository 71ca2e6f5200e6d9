import { waitMs } from '@syncline/contract';
import {
  awaitOperation,
  operationDocument,
  requestVerification,
} from '@syncline/control/operations';
import type { Runtime } from '@syncline/runtime';
import type { HandlersOf } from '../v1/handler.js';
import { BAD_CURSOR, pageOf, positionOf, TEXT } from '../v1/paging.js';
import { whileConnected } from '../v1/waiting.js';
import type { HandlerDeps } from './index.js';

export function operationHandlers(rt: Runtime, deps: HandlerDeps): HandlersOf<'Operations'> {
  const { store } = deps;
  return {
    'operations.get': async ({ params, query, caller, gone }) => {
      const known = await store.operations.find(params.id);
      const isVisible = known !== null && [null, known.tenant].includes(caller.tenant);
      const found = isVisible
        ? await awaitOperation(whileConnected(rt, gone), deps, params.id, waitMs(query.wait))
        : null;
      return found === null
        ? { problem: 'not-found', detail: 'There is no such operation.' }
        : { status: 200, body: operationDocument(found) };
    },
    'verifications.list': async ({ account, query }) => {
      const asked = { route: 'verifications.list', params: { id: account.id }, query };
      const position = positionOf(asked, [TEXT]);
      if (position === 'bad-cursor') return BAD_CURSOR;
      const [before = null] = position ?? [];
      const list = { subject: account.id, kind: 'verification', before } as const;
      const { rows, next } = await pageOf(
        asked,
        (limit) => store.operations.page({ ...list, limit }),
        ({ id }) => [id],
      );
      return { status: 200, body: { data: rows.map(operationDocument), next } };
    },
    'verifications.create': async ({ account, body }) => {
      if (account.state !== 'active')
        return { problem: 'state-conflict', detail: `The account is ${account.state}.` };
      const resources = body?.resources ?? account.resources;
      if (!resources.every((resource) => account.resources.includes(resource)))
        return { problem: 'state-conflict', detail: 'The account does not have that resource.' };
      const operation = await requestVerification(rt, deps, account, {
        resources,
        sample: body?.sample ?? null,
      });
      return {
        status: 202,
        body: operationDocument(operation),
        headers: { Location: `/v1/operations/${operation.id}` },
      };
    },
  };
}
