/** The common part of both listeners' Express applications. */
import { type Runtime, hasBody } from '@syncline/runtime';
import express, {
  type ErrorRequestHandler,
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';

/**
 * Returns an Express application with these handlers. An unmatched request gets a 404. A failing
 * handler is logged and answered with a 500 without the error's message.
 */
export function baseApp(rt: Runtime, handlers: readonly RequestHandler[]): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(commonHeaders, ...handlers);
  app.use((_request, response) => void response.status(404).json({ error: 'not found' }));
  app.use(answerError(rt));
  return app;
}

function commonHeaders(request: Request, response: Response, next: NextFunction): void {
  response.set({
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
    'Content-Security-Policy':
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  });
  // Most routes do not read a body, and a connection with an unread body cannot be used again.
  if (hasBody(request)) response.set('Connection', 'close');
  // TRACE would echo the request with its headers.
  if (request.method !== 'TRACE') return next();
  response.status(405).set('Allow', 'GET, HEAD, POST').json({ error: 'method not allowed' });
}

/**
 * Handles errors, since Express would print the stack. Express' own 4xx errors (a path that cannot
 * be decoded, a body too large) keep their status.
 */
function answerError(rt: Runtime): ErrorRequestHandler {
  // Express recognises an error handler by its four parameters.
  return (error: unknown, _request, response, _next) => {
    const status = clientErrorStatus(error) ?? 500;
    if (status === 500)
      rt.log.error(
        { event: 'request_failed', err: error },
        'a request failed with an unexpected error',
      );
    // Express would also close the connection, but print the error with its message.
    if (response.headersSent) return void response.destroy();
    response.status(status).json({ error: status === 500 ? 'internal error' : 'bad request' });
  };
}

function clientErrorStatus(error: unknown): number | null {
  const status =
    typeof error === 'object' && error !== null && 'status' in error ? error.status : null;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null;
}
