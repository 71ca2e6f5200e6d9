/**
 * Matches paths byte for byte: no other case, no trailing slash, no doubled one, no `..`, no
 * percent-encoding. A proxy and Express may interpret such a spelling differently, and a proxy's
 * rule for `/board` does not apply to `/BOARD`.
 */
import type { Request, RequestHandler } from 'express';

/** The handlers of a path, by method. HEAD is answered wherever GET is. */
export type Route = Readonly<Partial<Record<'GET' | 'POST', RequestHandler>>>;
export type Routes = Readonly<Record<string, Route>>;

/** Answers exactly these paths, and 405 for their other methods. Other paths go to the next handler. */
export function exactRoutes(routes: Routes): RequestHandler {
  const byPath = new Map(Object.entries(routes));
  return (request, response, next) => {
    const route = byPath.get(exactPath(request));
    if (route === undefined) return next();
    const handler = handlerOf(route, request.method);
    if (handler !== undefined) return handler(request, response, next);
    response.status(405).set('Allow', allowed(route)).json({ error: 'method not allowed' });
  };
}

/** Returns the path as it was sent, without its query. */
export function exactPath({ originalUrl }: Pick<Request, 'originalUrl'>): string {
  return originalUrl.split('?', 1)[0] ?? '';
}

function handlerOf({ GET, POST }: Route, method: string): RequestHandler | undefined {
  switch (method) {
    case 'GET':
    case 'HEAD':
      return GET;
    case 'POST':
      return POST;
    default:
      return undefined;
  }
}

function allowed({ GET, POST }: Route): string {
  return [...(GET ? ['GET', 'HEAD'] : []), ...(POST ? ['POST'] : [])].join(', ');
}
