/**
 * Who causes the transitions of a transaction. The triggers of account events read it from a setting
 * of the transaction, so it works behind a pooler.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type pg from 'pg';

/** A command of the command line, or a key of the HTTP API. */
export type Actor = { kind: 'command' | 'key'; id: string };

const actorOfWork = new AsyncLocalStorage<Actor>();

/** Does `work`, whose transactions name the actor. Without one, Syncline itself acts. */
export function withActor<T>(actor: Actor, work: () => T): T {
  return actorOfWork.run(actor, work);
}

/** The statement that names the current actor; null when there is none. */
export function actorStatement(): pg.QueryConfig | null {
  const actor = actorOfWork.getStore();
  if (actor === undefined) return null;
  return {
    name: 'actor',
    text: "SELECT set_config('syncline_actor.name', $1, true)",
    values: [`${actor.kind} ${actor.id}`],
  };
}
