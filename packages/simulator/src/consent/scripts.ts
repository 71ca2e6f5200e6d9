/**
 * Scripted consents: the next authorization requests are answered at once, as the person of the
 * script would answer them, without a page.
 */
import { textField, textsField } from '../order-fields.js';
import { orderedScope } from './scopes.js';
import type { TokenFaults } from './codes.js';

export interface ConsentOrder {
  /** Whom the person chooses. Default: the account of the request's login_hint. */
  email?: string;
  /** The boxes that are ticked. Default `all`. */
  allow?: 'all' | readonly string[];
  /** The person presses Cancel. Default false. */
  cancel?: boolean;
  /** Only requests of this client. Default: of any. */
  client?: string;
  /** The number of requests that it answers. Default 1. */
  count?: number;
  /** How the answer to the exchange of the code deviates. */
  token?: TokenFaults;
}

export interface ConsentScript {
  readonly email: string | null;
  readonly allow: 'all' | readonly string[];
  readonly cancel: boolean;
  readonly client: string | null;
  readonly token: TokenFaults;
  left: number;
}

const SCRIPTS_LIMIT = 1_000;
const COUNT_LIMIT = 1_000_000;

export class ConsentScripts {
  private waiting: ConsentScript[] = [];

  /** Appends a script. Throws RangeError for an invalid one. */
  add(order: ConsentOrder): { waiting: number } {
    if (this.waiting.length >= SCRIPTS_LIMIT)
      throw new RangeError(`at most ${SCRIPTS_LIMIT} consents can wait`);
    this.waiting.push(scriptOf(order));
    return { waiting: this.waiting.length };
  }

  list(): readonly ConsentScript[] {
    return this.waiting;
  }

  clear(): void {
    this.waiting = [];
  }

  /** Takes the oldest script that is for this client, or null. */
  next(client: string): ConsentScript | null {
    const script = this.waiting.find((one) => one.client === null || one.client === client);
    if (script === undefined) return null;
    script.left -= 1;
    if (script.left === 0) this.waiting = this.waiting.filter((one) => one !== script);
    return script;
  }
}

function scriptOf(order: ConsentOrder): ConsentScript {
  const { email, allow = 'all', cancel = false, client, count = 1, token = {} } = order;
  if (typeof cancel !== 'boolean') throw new RangeError('cancel must be true or false');
  if (!Number.isInteger(count) || count < 1 || count > COUNT_LIMIT)
    throw new RangeError(`count must be between 1 and ${COUNT_LIMIT}`);
  if (token === null || typeof token !== 'object') throw new RangeError('token must be an object');
  return {
    email: textField('email', email, null),
    allow: allow === 'all' ? allow : textsField('allow', allow).map(orderedScope),
    cancel,
    client: textField('client', client, null),
    token,
    left: count,
  };
}
