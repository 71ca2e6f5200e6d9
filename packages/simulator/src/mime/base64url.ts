/** Returns padded base64url, as Google sends it. Node's is unpadded, which breaks clients. */
export function base64url(bytes: Buffer): string {
  const text = bytes.toString('base64url');
  return text.length % 4 === 0 ? text : text + '='.repeat(4 - (text.length % 4));
}
