import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as forward } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/**
 * A server with certificates for Google's hosts, issued by an authority of its own, that forwards
 * everything to a simulator.
 */
export interface TlsGoogle {
  port: number;
  /** The authority, for NODE_EXTRA_CA_CERTS. */
  caFile: string;
  /** `https://host/path?query` of every request. */
  urls: string[];
  close(): Promise<void>;
}

export async function startTlsGoogle(simulatorUrl: string): Promise<TlsGoogle> {
  const directory = mkdtempSync(path.join(tmpdir(), 'syncline-tls-'));
  const [keyFile, caFile] = [path.join(directory, 'key.pem'), path.join(directory, 'ca.pem')];
  makeCertificate(keyFile, caFile);
  const urls: string[] = [];
  const server = createServer(
    { key: readFileSync(keyFile), cert: readFileSync(caFile) },
    (near, response) => {
      urls.push(`https://${near.headers.host}${near.url}`);
      const { method = 'GET', url = '/', headers } = near;
      const far = forward(`${simulatorUrl}${url}`, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      far.on('error', () => response.destroy());
      near.pipe(far);
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    caFile,
    urls,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
      rmSync(directory, { recursive: true });
    },
  };
}

/** Makes a self-signed certificate, which is its own authority. */
function makeCertificate(keyFile: string, certificateFile: string): void {
  const subject = [
    '-subj',
    '/CN=Simulated Google',
    '-addext',
    'subjectAltName=DNS:*.googleapis.com',
  ];
  const files = ['-keyout', keyFile, '-out', certificateFile];
  const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  execFileSync('openssl', ['req', ...kind, ...subject, ...files], { stdio: 'pipe' });
}
