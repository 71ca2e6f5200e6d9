import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, startRedis } from './redis-server.js';

/**
 * A Redis that accepts only TLS, from clients with a certificate; all certificates are signed by an
 * authority of the test's own.
 */
export interface TlsRedis {
  /** Contains the host name of its certificate. */
  url: string;
  port: number;
  /** PEM files. */
  files: { ca: string; otherCa: string; otherKey: string; cert: string; key: string };
  stop(): Promise<void>;
}

export async function startTlsRedis(): Promise<TlsRedis> {
  const directory = await mkdtemp(path.join(tmpdir(), 'syncline-tls-'));
  const at = (name: string): string => path.join(directory, name);
  makeAuthority(at('ca'));
  makeAuthority(at('other'));
  await writeFile(at('names.ext'), 'subjectAltName=DNS:localhost');
  sign(at('server'), at('ca'), at('names.ext'));
  sign(at('client'), at('ca'), at('names.ext'));
  const port = await freePort();
  const server = await startRedis(
    [
      '--port',
      '0',
      '--tls-port',
      String(port),
      '--tls-auth-clients',
      'yes',
      '--tls-cert-file',
      at('server.crt'),
      '--tls-key-file',
      at('server.key'),
      '--tls-ca-cert-file',
      at('ca.crt'),
    ],
    port,
  );
  return {
    url: `rediss://localhost:${port}`,
    port,
    files: {
      ca: at('ca.crt'),
      otherCa: at('other.crt'),
      otherKey: at('other.key'),
      cert: at('client.crt'),
      key: at('client.key'),
    },
    stop: async () => {
      await server.stop();
      await rm(directory, { recursive: true });
    },
  };
}

/** Creates `NAME.crt` and `NAME.key`. */
function makeAuthority(name: string): void {
  openssl(
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    `/CN=${path.basename(name)}`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.crt`,
  );
}

function sign(name: string, authority: string, extensions: string): void {
  openssl(
    'req',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    `/CN=${path.basename(name)}`,
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
  );
  openssl(
    'x509',
    '-req',
    '-days',
    '2',
    '-in',
    `${name}.csr`,
    '-out',
    `${name}.crt`,
    '-CA',
    `${authority}.crt`,
    '-CAkey',
    `${authority}.key`,
    '-CAcreateserial',
    '-extfile',
    extensions,
  );
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}
