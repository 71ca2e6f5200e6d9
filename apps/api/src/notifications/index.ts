import { CALENDAR_PUSH } from './calendar/source.js';
import { GMAIL_PUSH } from './gmail/source.js';
import type { PushSource } from './source.js';

/* The registry of the sources of notifications. */

export const PUSH_SOURCES: readonly PushSource[] = [GMAIL_PUSH, CALENDAR_PUSH];

export { runPull } from './gmail/pull.js';
export { warnOfUnreceivedTopics } from './gmail/unreceived-topics.js';
