/**
 * Pulls from a Pub/Sub subscription, for operators without a public address. The caller is a
 * service account of the operator. It signs an assertion for an access token (RFC 7523) and needs
 * the role Pub/Sub Subscriber on the subscription.
 */
import type { GoogleProxy, Runtime } from '@syncline/runtime';
import { exchangeAssertion, type ServiceAccountKey } from '../../assertion.js';
import type { OtherMethod } from '../../answer-limits.js';
import { classify, classifyToken } from '../../classify.js';
import { GoogleError, MalformedAnswer, unavailable } from '../../errors.js';
import { addressIn } from './push-message.js';
import { originsFor, type Origins } from '../../origins.js';
import { objectOf, parseObject, textOf } from '../../shape.js';
import { type Answer, type Transport, openTransport } from '../../transport.js';

export interface SubscriptionOptions {
  /** One origin that replaces Google's; null for Google. */
  apiUrl: string | null;
  /** The proxy to Google; null, the default, for a direct connection. */
  proxy?: GoogleProxy | null;
  /** `projects/P/subscriptions/S`. */
  name: string;
  serviceAccount: ServiceAccountKey;
}

export interface Pulled {
  ackId: string;
  /**
   * In lower case; null for a message that is not a Gmail notification. A redelivery would not be
   * one either.
   */
  address: string | null;
}

/** Every call throws GoogleError, or the signal's reason. */
export interface Subscription {
  /**
   * Returns at most `limit` messages, and none when no message arrives for a while. Messages that
   * are not acknowledged within the subscription's deadline are delivered again.
   */
  pull(limit: number, signal: AbortSignal): Promise<Pulled[]>;
  acknowledge(ackIds: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

const PULL = 'pubsub.subscriptions.pull';
const ACKNOWLEDGE = 'pubsub.subscriptions.acknowledge';
const TOKEN = 'oauth2.token';
const SCOPE = 'https://www.googleapis.com/auth/pubsub';
const TOKEN_MARGIN_MS = 300_000;

interface Puller {
  rt: Runtime;
  transport: Transport;
  origins: Origins;
  options: SubscriptionOptions;
  token: { text: string; untilMs: number } | null;
}

export function openSubscription(rt: Runtime, options: SubscriptionOptions): Subscription {
  const puller: Puller = {
    rt,
    transport: openTransport(options.proxy),
    origins: originsFor(options.apiUrl),
    options,
    token: null,
  };
  return {
    pull: async (limit, signal) =>
      readPulled(await call(puller, PULL, 'pull', { maxMessages: limit }, signal)),
    acknowledge: async (ackIds) =>
      void (await call(puller, ACKNOWLEDGE, 'acknowledge', { ackIds })),
    close: () => puller.transport.close(),
  };
}

function readPulled(answer: Answer): Pulled[] {
  try {
    const { receivedMessages = [] } = parseObject(answer.body);
    if (!Array.isArray(receivedMessages))
      throw new MalformedAnswer('receivedMessages is not a list');
    return receivedMessages.map((received: unknown) => {
      const { ackId, message } = objectOf(received, 'a received message');
      return {
        ackId: textOf(ackId, 'ackId'),
        address: addressIn(objectOf(message ?? {}, 'message')),
      };
    });
  } catch (error) {
    if (error instanceof MalformedAnswer) throw unavailable(PULL, error);
    throw error;
  }
}

async function call(
  puller: Puller,
  method: OtherMethod,
  verb: string,
  body: object,
  signal?: AbortSignal,
): Promise<Answer> {
  const headers = {
    authorization: `Bearer ${await accessToken(puller)}`,
    'content-type': 'application/json',
  };
  const path = `/v1/${puller.options.name.split('/').map(encodeURIComponent).join('/')}:${verb}`;
  const answer = await puller.transport.exchange({
    method,
    origin: puller.origins.pubsub,
    verb: 'POST',
    path,
    headers,
    body: JSON.stringify(body),
    signal,
  });
  if (answer.status === 200) return answer;
  if (answer.status === 401) puller.token = null;
  throw new GoogleError(
    method,
    classify(method, answer.status, answer.body.toString('utf8'), puller.rt.clock.nowMs()),
  );
}

async function accessToken(puller: Puller): Promise<string> {
  const nowMs = puller.rt.clock.nowMs();
  if (puller.token && puller.token.untilMs > nowMs) return puller.token.text;
  const answer = await exchangeAssertion(puller.transport, {
    origin: puller.origins.oauth,
    key: puller.options.serviceAccount,
    scopes: [SCOPE],
    nowMs,
  });
  if (answer.status !== 200)
    throw new GoogleError(TOKEN, classifyToken(answer.status, answer.body.toString('utf8')));
  try {
    const { access_token: token, expires_in: livesS } = parseObject(answer.body);
    const text = textOf(token, 'access_token');
    puller.token = { text, untilMs: nowMs + Math.max(0, Number(livesS) * 1_000 - TOKEN_MARGIN_MS) };
    return text;
  } catch (error) {
    throw unavailable(TOKEN, error);
  }
}
