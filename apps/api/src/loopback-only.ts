/**
 * Until there is authentication, Bull Board is for whoever sits at this machine. Three things are asked of a request,
 * because each alone can be got round:
 *
 * - the connection comes from loopback;
 * - the Host header names loopback: a web page whose name was rebound to 127.0.0.1 reaches the port through the
 *   operator's own browser, but with its own name in Host;
 * - no forwarding header: behind a reverse proxy on this host every visitor's connection comes from loopback.
 */
import type { NextFunction, Request, Response } from 'express';

export interface Visitor {
  remoteAddress: string | undefined;
  host: string | undefined;
  /** Names of all headers, in lower case. */
  headerNames: readonly string[];
}

const FORWARDING = new Set([
  'forwarded',
  'via',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
]);

/** Why this visitor is refused, as a sentence, or null for one at this machine. */
export function refusalFor({ remoteAddress, host, headerNames }: Visitor): string | null {
  if (!isLoopbackAddress(remoteAddress ?? ''))
    return 'This connection does not come from the machine that the API runs on.';
  if (!isLoopbackName(host ?? ''))
    return 'The Host header does not name this machine: use http://localhost or http://127.0.0.1.';
  const forwarded = headerNames.find(
    (name) => FORWARDING.has(name) || name.startsWith('x-forwarded-'),
  );
  return forwarded === undefined
    ? null
    : 'The request was passed on by a proxy, so it cannot be told who is behind it.';
}

/** Lets loopback through and answers everybody else with 403 and the reason. */
export function loopbackOnly(request: Request, response: Response, next: NextFunction): void {
  const refusal = refusalFor({
    remoteAddress: request.socket.remoteAddress,
    host: request.headers.host,
    headerNames: Object.keys(request.headers),
  });
  if (refusal === null) return next();
  response.status(403).type('text/plain').send(`403 Forbidden\n\n${refusal}\n\n${ADVICE}`);
}

const ADVICE = `The queue board has no login yet, so it opens on the machine itself only. From elsewhere, forward a port over SSH:

  ssh -L 3000:localhost:3000 the-machine

and open http://localhost:3000/board there.
`;

/** IPv4's 127/8, IPv6's ::1, and the former as a dual-stack socket writes it. */
function isLoopbackAddress(address: string): boolean {
  return address === '::1' || /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(address);
}

function isLoopbackName(host: string): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i.test(host);
}
