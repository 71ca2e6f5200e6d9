/** The methods of the client, built from the generated table of operations. */
import type { Caller } from './call.js';
import { OPERATIONS, type OperationId, type Operations } from './generated/operations.js';
import type { CallOptions } from './types.js';

type Method = (...args: unknown[]) => unknown;

export function operationsOf(caller: Caller): Operations {
  const groups = new Map<string, [string, Method][]>();
  for (const id of Object.keys(OPERATIONS) as OperationId[]) {
    const [group = '', name = ''] = id.split('.');
    groups.set(group, [...(groups.get(group) ?? []), [name, methodOf(caller, id)]]);
  }
  // The table and the interface are generated from the same document.
  return Object.fromEntries(
    [...groups].map(([group, methods]) => [group, Object.fromEntries(methods)]),
  ) as unknown as Operations;
}

function methodOf(caller: Caller, id: OperationId): Method {
  const { path, query } = OPERATIONS[id];
  const count = path.split('{').length - 1;
  const isList = (query as readonly string[]).includes('cursor');
  return (...args) => {
    const inPath = args.slice(0, count) as string[];
    const input = (args[count] ?? {}) as Record<string, unknown>;
    const options = (args[count + 1] ?? {}) as CallOptions;
    const send = (more: Record<string, unknown>): Promise<unknown> =>
      caller.call(id, { ...options, inPath, input: { ...input, ...more } });
    return isList ? listOf(send as (more: { cursor?: string }) => Promise<Page>) : send({});
  };
}

interface Page {
  data: unknown[];
  next: string | null;
}

/** A promise of the first page, from which the others can be iterated. */
function listOf(send: (more: { cursor?: string }) => Promise<Page>): Promise<Page> {
  const first = send({});
  async function* pages(): AsyncGenerator<Page> {
    let page = await first;
    yield page;
    while (page.next !== null) {
      page = await send({ cursor: page.next });
      yield page;
    }
  }
  async function* items(): AsyncGenerator {
    for await (const { data } of pages()) yield* data;
  }
  return Object.assign(first, { pages, [Symbol.asyncIterator]: items });
}
