/**
 * Calendar's notification channels: an empty POST to the client's address, which says that
 * something changed. The `sync` message is first and sometimes arrives before the answer to the
 * watch call. The revision of a calendar is polled while it has a channel, so that calendars
 * without channels cost nothing.
 */
import type { SimClock } from '../clock.js';
import { calendarError } from '../http/errors.js';
import { textOf, type Posted } from '../http/posted.js';
import { jsonReply, NO_CONTENT, type Reply } from '../http/reply.js';
import type { Ledger } from '../ledger.js';
import type { Prng } from '../prng.js';
import type { Asked } from '../sim.js';
import { hashText } from '../prng.js';
import { Deliveries } from './deliveries.js';
import type { Delivery } from './delivery.js';

type State = 'sync' | 'exists' | 'not_exists';

interface Channel {
  readonly id: string;
  readonly owner: string;
  readonly resourceId: string;
  readonly resourceUri: string;
  readonly address: string;
  readonly token: string | null;
  readonly expiresAtMs: number;
  /** The revision of the watched resource; null when it is gone. */
  readonly revision: () => number | null;
  seen: number;
  messageNumber: number;
}

const DEFAULT_TTL_SECONDS = 604_800;
/** Google's limit is not documented; clients observe about a month. */
const LONGEST_TTL_MS = 30 * 86_400_000;
const CHECK_EVERY_MS = 25;
const TIMEOUT_MS = 10_000;
const ACKNOWLEDGED = new Set([102, 200, 201, 202, 204]);
const RETRIED = new Set([500, 502, 503, 504]);
const ATTEMPTS = 6;
const LARGEST_STEP = 400_000;
const CHANNELS_LIMIT = 100_000;

export class Channels {
  private readonly byId = new Map<string, Channel>();
  private checking: NodeJS.Timeout | null = null;
  private readonly deliveries = new Deliveries();

  constructor(
    private readonly clock: SimClock,
    private readonly prng: Prng,
    private readonly ledger: Ledger,
    private readonly delivery: Delivery,
  ) {}

  /**
   * Serves `events.watch` and `calendarList.watch`. `what` returns the revision of the resource;
   * null when it cannot be watched.
   */
  watch(asked: Asked, body: Posted, resourceUri: string, what: () => number | null): Reply {
    this.sweep();
    const refusal = refusalOf(body, this.byId);
    if (refusal !== null) return refusal;
    const channel: Channel = {
      id: textOf(body['id']),
      owner: asked.account.key,
      resourceId: `sim${hashText(`${asked.account.key} ${resourceUri}`).toString(36)}`,
      resourceUri,
      address: textOf(body['address']),
      token: typeof body['token'] === 'string' ? body['token'] : null,
      expiresAtMs: expiry(body, this.clock.nowMs()),
      revision: what,
      seen: what() ?? 0,
      messageNumber: 1,
    };
    this.byId.set(channel.id, channel);
    this.checking ??= setInterval(() => {
      this.check();
    }, CHECK_EVERY_MS).unref();
    const { id, resourceId, token, expiresAtMs } = channel;
    const reply = jsonReply(
      {
        kind: 'api#channel',
        id,
        resourceId,
        resourceUri,
        ...(token === null ? {} : { token }),
        expiration: String(expiresAtMs),
      },
      asked.format,
    );
    return this.sendSync(channel, reply);
  }

  /** Serves `channels.stop`, only for the user who opened the channel. */
  stop(asked: Asked, body: Posted): Reply {
    const channel = this.byId.get(textOf(body['id']));
    if (
      channel === undefined ||
      channel.owner !== asked.account.key ||
      channel.resourceId !== body['resourceId']
    ) {
      return calendarError(
        404,
        `Channel '${textOf(body['id'])}' not found for project '123456789012'`,
        'notFound',
      );
    }
    this.drop(channel);
    return NO_CONTENT;
  }

  list(): {
    id: string;
    email: string;
    resourceUri: string;
    address: string;
    token: string | null;
    expiresAtMs: number;
  }[] {
    this.sweep();
    return [...this.byId.values()].map(
      ({ id, owner, resourceUri, address, token, expiresAtMs }) => ({
        id,
        email: owner,
        resourceUri,
        address,
        token,
        expiresAtMs,
      }),
    );
  }

  close(): void {
    this.deliveries.stop();
    for (const channel of this.byId.values()) this.drop(channel);
  }

  /**
   * Sends the `sync` message. In half of the cases it arrives before the answer to the call is
   * sent.
   */
  private sendSync(channel: Channel, reply: Reply): Reply {
    const before = this.prng.chance(0.5);
    let arrived = (): void => undefined;
    const after = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    this.delivery.post('channel', () => {
      this.send(channel, 'sync', 1, 1).then(arrived, arrived);
    });
    const calm = this.delivery.conditions;
    return before && calm.dropPercent === 0 && calm.reorderPercent === 0 && calm.delayMs[1] === 0
      ? { ...reply, after }
      : reply;
  }

  private check(): void {
    this.sweep();
    for (const channel of this.byId.values()) {
      const revision = channel.revision();
      if (revision === channel.seen) continue;
      if (revision !== null) channel.seen = revision;
      else this.drop(channel);
      channel.messageNumber += this.prng.between(1, LARGEST_STEP);
      const number = channel.messageNumber;
      this.delivery.post('channel', () => {
        void this.send(channel, revision === null ? 'not_exists' : 'exists', number, 1);
      });
    }
  }

  private sweep(): void {
    const nowMs = this.clock.nowMs();
    for (const channel of this.byId.values()) if (channel.expiresAtMs <= nowMs) this.drop(channel);
  }

  private drop(channel: Channel): void {
    this.byId.delete(channel.id);
    if (this.byId.size > 0 || this.checking === null) return;
    clearInterval(this.checking);
    this.checking = null;
  }

  /**
   * Google retries after its four documented status codes, with backoff; any other refusal is
   * final.
   */
  private async send(
    channel: Channel,
    state: State,
    number: number,
    attempt: number,
  ): Promise<void> {
    const status = await this.post(channel, state, number);
    if (this.deliveries.isStopped) return;
    this.ledger.notified('channel', ACKNOWLEDGED.has(status) ? 'delivered' : 'refused');
    if (RETRIED.has(status) && attempt < ATTEMPTS)
      this.clock.schedule(1_000 * 2 ** (attempt - 1), () => {
        void this.send(channel, state, number, attempt + 1);
      });
  }

  private async post(channel: Channel, state: State, number: number): Promise<number> {
    const headers: Record<string, string> = {
      'Content-Length': '0',
      'User-Agent': 'APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)',
      'X-Goog-Channel-ID': channel.id,
      'X-Goog-Channel-Expiration': new Date(channel.expiresAtMs).toUTCString(),
      'X-Goog-Resource-State': state,
      'X-Goog-Message-Number': String(number),
      'X-Goog-Resource-ID': channel.resourceId,
      'X-Goog-Resource-URI': channel.resourceUri,
      ...(channel.token === null ? {} : { 'X-Goog-Channel-Token': channel.token }),
    };
    // An unreachable address is retried like a 503.
    return (await this.deliveries.post(channel.address, headers, null, TIMEOUT_MS)) ?? 503;
  }
}

function refusalOf(body: Posted, known: ReadonlyMap<string, unknown>): Reply | null {
  const { id, type, address } = body;
  if (typeof id !== 'string' || id === '')
    return calendarError(400, 'Required', 'required', {
      locationType: 'parameter',
      location: 'resource.id',
    });
  if (id.length > 64 || !/^[A-Za-z0-9\-_+/=]+$/.test(id))
    return calendarError(400, 'Invalid channel id', 'invalid', {
      locationType: 'parameter',
      location: 'resource.id',
    });
  if (type !== 'web_hook' && type !== 'webhook')
    return calendarError(400, `Unknown channel type: ${textOf(type)}`, 'invalid', {
      locationType: 'parameter',
      location: 'resource.type',
    });
  if (typeof address !== 'string' || !isHttps(address))
    return calendarError(
      400,
      `WebHook callback must be HTTPS: ${textOf(address)}`,
      'push.webhookUrlNotHttps',
    );
  if (isTooLong(body['token']))
    return calendarError(400, 'Channel token is too long', 'invalid', {
      locationType: 'parameter',
      location: 'resource.token',
    });
  if (known.size >= CHANNELS_LIMIT)
    return calendarError(403, 'Channel limit exceeded.', 'quotaExceeded', {
      domain: 'usageLimits',
    });
  return known.has(id)
    ? calendarError(400, `Channel id ${id} not unique`, 'channelIdNotUnique')
    : null;
}

function isTooLong(token: unknown): boolean {
  return typeof token === 'string' && token.length > 256;
}

/** Plain http is accepted for loopback, where a simulator's clients run. */
function isHttps(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return (
    protocol === 'https:' ||
    (protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(hostname))
  );
}

/** Returns the earlier of the requested expiry (a time or a number of seconds) and the limit. */
function expiry(body: Posted, nowMs: number): number {
  const params = (body['params'] ?? {}) as Record<string, unknown>;
  const ttlMs = Number(params['ttl'] ?? DEFAULT_TTL_SECONDS) * 1_000;
  const asked =
    body['expiration'] === undefined
      ? nowMs + (ttlMs > 0 ? ttlMs : DEFAULT_TTL_SECONDS * 1_000)
      : Number(body['expiration']);
  return Math.min(
    Number.isFinite(asked) ? asked : nowMs + DEFAULT_TTL_SECONDS * 1_000,
    nowMs + LONGEST_TTL_MS,
  );
}
