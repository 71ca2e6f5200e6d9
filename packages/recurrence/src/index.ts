/**
 * Expands recurring events (RFC 5545, in the form that Google stores) to single events. Pure: no
 * I/O, no clock, no other packages of this repository.
 */
export {
  DEFAULT_INSTANCE_LIMIT,
  expandInstances,
  MAX_INSTANCE_LIMIT,
  MAX_INSTANCE_RANGE_MS,
  placeInstances,
  type PlacedInstance,
} from './instances.js';
export type { Work } from './rule-times.js';
export { instantOfDateTime } from './zones.js';
