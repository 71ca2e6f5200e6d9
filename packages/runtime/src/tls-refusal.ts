import { connect, type ConnectionOptions } from 'node:tls';

/**
 * Opens a TLS connection, sends nothing, and waits for the alert with which the server refuses it:
 * the server requires a client certificate, or does not trust the one it received. In TLS 1.3 a
 * server checks the client certificate after the client has completed the handshake
 * (https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2.4). By then a driver has sent its first
 * command, and usually gets ECONNRESET instead of the alert, which looks like a server that
 * restarts.
 * @param limitMs timeout for the server
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
    // Ends the wait when the server closes the connection without an alert.
    socket.on('close', () => finish(null));
    socket.resume();
  });
}
