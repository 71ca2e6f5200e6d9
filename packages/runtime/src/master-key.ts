/** With fewer different bytes a key was typed and not drawn: 32 random bytes have so few once in 10^37 keys. */
const DIFFERENT_BYTES_MIN = 8;

/** Whether a key is all zero, one byte over and over, or a short pattern: anybody could guess it. */
export function isGuessable(key: Uint8Array): boolean {
  return new Set(key).size < DIFFERENT_BYTES_MIN;
}
