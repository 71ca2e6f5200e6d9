import { readChannelMessage } from '@syncline/google';
import type { Request } from 'express';
import type { PushSource } from '../source.js';

/**
 * Calendar repeats a message after 5xx only. An unknown or expired channel and a message with a
 * wrong token get the same 404, which does not reveal whether a channel exists. The token is
 * derived from the channel's id, so that a wrong one is recognized without a lookup; an unknown
 * channel has no valid token.
 */
export const CALENDAR_PUSH: PushSource = {
  path: '/push/calendar',
  via: 'calendar',
  unknownStatus: 404,
  refusalOf: async ({ vault }, request) => {
    const message = messageOf(request);
    if (message === null) return { status: 404, reason: 'malformed' };
    if (message.token === '') return { status: 404, reason: 'no-token' };
    return vault.isChannelToken(message.channelId, message.token)
      ? null
      : { status: 404, reason: 'wrong-token' };
  },
  notificationOf: ({ notifier }, request) => {
    const message = messageOf(request);
    return message === null ? null : () => notifier.channel(message);
  },
};

function messageOf(request: Request): ReturnType<typeof readChannelMessage> {
  return readChannelMessage((name) => request.get(name));
}
