/**
 * Recurring events (RFC 5545, and Google's way of keeping them) as single events. Pure: no I/O, no
 * clock, nothing of ours.
 */
export {
  DEFAULT_INSTANCE_LIMIT,
  expandInstances,
  MAX_INSTANCE_LIMIT,
  MAX_INSTANCE_RANGE_MS,
} from './instances.js';
export { instantOfDateTime } from './zones.js';
