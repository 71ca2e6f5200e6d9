import { FOREIGN_NAME, isLoopbackName } from '@syncline/runtime';
import type { RequestHandler } from 'express';

/** Answers 421 instead of `handler` to a request under a name other than loopback's. */
export function underOwnName(handler: RequestHandler): RequestHandler {
  return (request, response, next) => {
    if (isLoopbackName(request.headers.host ?? '')) return handler(request, response, next);
    response.status(FOREIGN_NAME.status).type('text/plain').send(FOREIGN_NAME.text);
  };
}
