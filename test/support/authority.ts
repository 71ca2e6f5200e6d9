import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A certificate authority of a test's own, made with openssl. */
export interface Authority {
  /** The authority's own certificate. */
  caFile: string;
  ca: string;
  /**
   * Issues a certificate and its key, for a server (`DNS:db.example`, `IP:127.0.0.1`) or for a
   * client by its common name.
   */
  issue(
    name: string,
    alternatives?: string,
  ): { cert: string; key: string; certFile: string; keyFile: string };
  remove(): void;
}

export function makeAuthority(): Authority {
  const dir = mkdtempSync(path.join(tmpdir(), 'authority-'));
  const file = (name: string): string => path.join(dir, name);
  const openssl = (...args: string[]): void => {
    execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    'ca.key',
    '-out',
    'ca.crt',
    '-days',
    '2',
    '-subj',
    '/CN=authority of a test',
  );
  return {
    caFile: file('ca.crt'),
    ca: readFileSync(file('ca.crt'), 'utf8'),
    issue: (name, alternatives) => {
      const base = name.replaceAll(/\W/g, '_');
      openssl(
        'req',
        ...newKey,
        '-keyout',
        `${base}.key`,
        '-out',
        `${base}.csr`,
        '-subj',
        `/CN=${name}`,
      );
      writeFileSync(file(`${base}.ext`), alternatives ? `subjectAltName=${alternatives}\n` : '');
      openssl(
        'x509',
        '-req',
        '-in',
        `${base}.csr`,
        '-CA',
        'ca.crt',
        '-CAkey',
        'ca.key',
        '-CAcreateserial',
        '-days',
        '2',
        '-out',
        `${base}.crt`,
        '-extfile',
        `${base}.ext`,
      );
      return {
        cert: readFileSync(file(`${base}.crt`), 'utf8'),
        key: readFileSync(file(`${base}.key`), 'utf8'),
        certFile: file(`${base}.crt`),
        keyFile: file(`${base}.key`),
      };
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
