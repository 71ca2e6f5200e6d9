/**
 * A web page can have its own name resolve to 127.0.0.1 and so read a listener on loopback through the browser of whoever opens it. Such a request
 * names the page's host. The header is used to refuse, never to let in: what is not for the public is on a listener that the public does not reach.
 */
import type { RequestHandler } from 'express';

/** Answers 421 instead of `handler` to a request under a name other than loopback's. */
export function underOwnName(handler: RequestHandler): RequestHandler {
  return (request, response, next) => {
    if (isLoopbackName(request.headers.host ?? '')) return handler(request, response, next);
    response
      .status(421)
      .type('text/plain')
      .send('This listener serves its own machine: use http://127.0.0.1 or http://localhost.\n');
  };
}

function isLoopbackName(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host);
}
