import { connect, type ConnectionOptions } from 'node:tls';

/**
 * Makes a TLS connection, sends nothing on it, and waits for the alert by which the server refuses
 * it: it asks for a client's certificate, or does not trust the one that it got. In TLS 1.3 a
 * server checks the client's certificate after the client has completed the handshake
 * (https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2.4). A driver has sent its first command by
 * then and mostly meets ECONNRESET instead of the alert, which looks like a server that restarts.
 * @param limitMs how long the server may take
 * @returns OpenSSL's error; null when the server refuses nothing or does not answer
 */
export function tlsRefusal(options: ConnectionOptions, limitMs: number): Promise<Error | null> {
  return new Promise((resolve) => {
    const socket = connect(options);
    const timer = setTimeout(() => finish(null), limitMs);
    const finish = (refusal: Error | null): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(refusal);
    };
    socket.on('error', (error: NodeJS.ErrnoException) =>
      finish(error.code?.startsWith('ERR_SSL_') ? error : null),
    );
    // Without data there is no other end of a connection that was refused by no alert.
    socket.on('close', () => finish(null));
    socket.resume();
  });
}
