/**
 * An RSA key of the simulated Google. It signs OIDC tokens (RS256), publishes its public key as a
 * JWK and as a self-signed X.509 certificate, and verifies its own signatures. Without a given key
 * it generates one on first use, because that may take a second.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';

export type Claims = Readonly<Record<string, unknown>>;

export class SigningKey {
  /** @param known the private key, if it need not be generated */
  constructor(
    readonly kid: string,
    private readonly known: JsonWebKey | null = null,
  ) {}

  get privateKey(): KeyObject {
    return this.pair().privateKey;
  }

  get privatePem(): string {
    return this.pair().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  /** Returns a compact JWS. */
  jwt(claims: Claims): string {
    const text = [{ alg: 'RS256', kid: this.kid, typ: 'JWT' }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
    return `${text}.${sign('sha256', Buffer.from(text), this.pair().privateKey).toString('base64url')}`;
  }

  /** Returns the claims of a token that this key signed, null for anything else. */
  claimsOf(token: string): Claims | null {
    const [head, body, signature, ...rest] = token.split('.');
    if (head === undefined || body === undefined || signature === undefined || rest.length > 0)
      return null;
    if (
      !verify(
        'sha256',
        Buffer.from(`${head}.${body}`),
        this.pair().publicKey,
        Buffer.from(signature, 'base64url'),
      )
    )
      return null;
    return JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims;
  }

  /** Returns an entry of /oauth2/v3/certs. */
  jwk(): Claims {
    return {
      ...this.pair().publicKey.export({ format: 'jwk' }),
      alg: 'RS256',
      use: 'sig',
      kid: this.kid,
    };
  }

  /** Returns a value of /oauth2/v1/certs. */
  certificatePem(nowMs: number): string {
    const { privateKey, publicKey } = this.pair();
    const bytes = certificate(
      publicKey.export({ type: 'spki', format: 'der' }),
      (text) => sign('sha256', text, privateKey),
      nowMs,
    );
    return `-----BEGIN CERTIFICATE-----\n${bytes.toString('base64').replace(/(.{64})(?=.)/g, '$1\n')}\n-----END CERTIFICATE-----\n`;
  }

  private pair(): KeyPair {
    const known = made.get(this.kid);
    if (known !== undefined) return known;
    if (this.known !== null) {
      const privateKey = createPrivateKey({ key: this.known, format: 'jwk' });
      const pair = { privateKey, publicKey: createPublicKey(privateKey) };
      made.set(this.kid, pair);
      return pair;
    }
    const { privateKey: pem } = generateKeyPairSync('rsa', {
      modulusLength: 2_048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const pair = { privateKey: createPrivateKey(pem), publicKey: createPublicKey(pem) };
    made.set(this.kid, pair);
    return pair;
  }
}

interface KeyPair {
  privateKey: KeyObject;
  publicKey: KeyObject;
}

/**
 * By key id, shared by all simulators of the process: there are few ids, and generating a key pair is
 * slow.
 */
const made = new Map<string, KeyPair>();

const DAY_MS = 86_400_000;

/**
 * Returns a certificate in DER with the required fields (RFC 5280): sha256WithRSAEncryption, one
 * name for issuer and subject.
 */
function certificate(
  publicKeyInfo: Buffer,
  signed: (text: Buffer) => Buffer,
  nowMs: number,
): Buffer {
  const algorithm = der(0x30, Buffer.from('06092a864886f70d01010b0500', 'hex'));
  const name = der(
    0x30,
    der(
      0x31,
      der(
        0x30,
        Buffer.from('0603550403', 'hex'),
        der(0x0c, Buffer.from('federated-signon.system.gserviceaccount.com')),
      ),
    ),
  );
  const validity = der(0x30, utcTime(nowMs - DAY_MS), utcTime(nowMs + 30 * DAY_MS));
  const version = der(0xa0, Buffer.from('020102', 'hex'));
  const serial = Buffer.from('020101', 'hex');
  const body = der(0x30, version, serial, algorithm, name, validity, name, publicKeyInfo);
  return der(0x30, body, algorithm, der(0x03, Buffer.from([0]), signed(body)));
}

function utcTime(ms: number): Buffer {
  return der(
    0x17,
    Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, '').slice(2, 14)}Z`),
  );
}

function der(tag: number, ...contents: Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content]);
  const length = Buffer.from(
    content.length.toString(16).padStart(content.length > 0xff ? 4 : 2, '0'),
    'hex',
  );
  return Buffer.concat([Buffer.from([tag, 0x80 + length.length]), length, content]);
}
