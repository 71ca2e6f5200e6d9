/** The client of Syncline's HTTP API (`@syncline/client`). */
export { createClient, type Client, type ClientOptions } from './client.js';
export { type BootstrapOptions, type MirrorItem } from './bootstrap.js';
export { type Entity, type Rows } from './entities.js';
export { type AccountFeed, type FollowOptions, type PageOptions } from './feed.js';
export { type FollowAllOptions } from './feed-all.js';
export { type FeedBatch, type FeedEvent } from './feed-position.js';
export * from './generated/operations.js';
export { SynclineProblem, SynclineUnreachable, type Mistake } from './problem.js';
export { type CallOptions, type Input, type List, type Output } from './types.js';
