/** What the connect pages and the routes of connect sessions are made of. */
import { runConnectExpiry, type ConnectSettings } from '@syncline/control/connect';
import type { Google } from '@syncline/google';
import { openConsent, type Consent } from '@syncline/google/consent';
import { DEFAULT_PROJECT, type ResolvedConfig, type Runtime } from '@syncline/runtime';
import type { Store } from '@syncline/store';
import type { RequestHandler } from 'express';
import type { RateLimits } from '../v1/rate-limit.js';
import { connectRoutes } from './routes.js';

/** The API's address as browsers see it. The port may be known only when it listens. */
export interface PublicAddress {
  url: string;
}

export interface ConnectParts {
  consent: Consent;
  settings: ConnectSettings;
}

/** Prepares Google's consent for every Google project. */
export function openConnect(
  { google, connect }: Pick<ResolvedConfig, 'google' | 'connect'>,
  address: PublicAddress,
): ConnectParts {
  const { apiUrl, proxy, clientId, clientSecret, projects } = google;
  return {
    consent: openConsent({
      apiUrl,
      proxy,
      clients: new Map<string, { clientId: string; clientSecret: string }>([
        [DEFAULT_PROJECT, { clientId, clientSecret }],
        ...projects.map((project): [string, typeof project] => [project.name, project]),
      ]),
    }),
    settings: {
      publicUrl: () => address.url,
      returnTo: connect.returnTo,
      appName: connect.appName,
    },
  };
}

/** Serves the pages, and writes the outcome of sessions that expire. */
export function connectPages(
  rt: Runtime,
  parts: ConnectParts,
  deps: { store: Store; google: Google; limits: RateLimits },
): RequestHandler {
  void runConnectExpiry(rt, deps);
  return connectRoutes(rt, { ...parts, ...deps });
}
