export { decodeCursor, encodeCursor } from './cursor.js';
export { askedFreshness } from './freshness.js';
export { IDEMPOTENCY_KEY_LIMIT, openApiDocument } from './openapi.js';
export { waitMs } from './parameters.js';
export { PROBLEMS, problemType, type Mistake, type ProblemName } from './problems.js';
export {
  BODY_LIMIT_BYTES,
  type Answer,
  type ByteStream,
  type Input,
  type Route,
  type RouteProblem,
  type TextStream,
} from './route.js';
export { isIdempotent } from './route-problems.js';
export { attachmentType, ROUTES, type RouteId, type Routes } from './routes/index.js';
