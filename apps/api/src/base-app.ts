/** What every listener's answers have in common. */
import { type Runtime, hasBody } from '@syncline/runtime';
import express, {
  type ErrorRequestHandler,
  type Express,
  type NextFunction,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';

/** An application of these handlers. What none of them answers is a 404, and what fails is a line in the log and a 500 without a word of it. */
export function baseApp(rt: Runtime, handlers: readonly RequestHandler[]): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(everyAnswer, ...handlers);
  app.use((_request, response) => void response.status(404).json({ error: 'not found' }));
  app.use(answerError(rt));
  return app;
}

function everyAnswer(request: Request, response: Response, next: NextFunction): void {
  response.set({
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
    'Content-Security-Policy':
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  });
  // A body stays unread unless a route wants it, and then the connection is of no more use.
  if (hasBody(request)) response.set('Connection', 'close');
  // TRACE reads a request back to its sender, headers and all.
  if (request.method !== 'TRACE') return next();
  response.status(405).set('Allow', 'GET, HEAD, POST').json({ error: 'method not allowed' });
}

/** Express would print the stack. Its own 4xx errors (a path that doesn't decode, a body too large) keep their status. */
function answerError(rt: Runtime): ErrorRequestHandler {
  // Four parameters, used or not, are how Express knows an error handler.
  return (error: unknown, _request, response, _next) => {
    const status = clientErrorStatus(error) ?? 500;
    if (status === 500)
      rt.log.error(
        { event: 'request-failed', err: error },
        'a request ended in an error that nobody expected',
      );
    // Express would print the error, with its message, and cut the connection. Cutting it is enough.
    if (response.headersSent) return void response.destroy();
    response.status(status).json({ error: status === 500 ? 'internal error' : 'bad request' });
  };
}

function clientErrorStatus(error: unknown): number | null {
  const status =
    typeof error === 'object' && error !== null && 'status' in error ? error.status : null;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : null;
}
