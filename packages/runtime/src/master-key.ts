/**
 * A key with fewer different bytes was not generated at random: one of 10^37 random keys has so
 * few.
 */
const DIFFERENT_BYTES_MIN = 8;
/** Half of a key. A longer part cannot occur twice in it. */
const LONGEST_PIECE_BYTES = 16;

/**
 * One of 10^13 random keys has so many consecutive bytes that are equal, or rise or fall evenly.
 */
const EVEN_RUN_BYTES = 8;
/** Words that people type. One of 10^7 random keys has such a word in its base64 form. */
const TYPED_WORDS = /change[-_]?me|secret|default|example|password|master|syncline|1234567/i;

/**
 * Whether a key was typed or invented instead of generated at random, and can therefore be guessed.
 * @param text the key as written in the variable
 */
export function isGuessable(key: Uint8Array, text = ''): boolean {
  return (
    new Set(key).size < DIFFERENT_BYTES_MIN ||
    isRepeated(key) ||
    hasEvenRun(key) ||
    isTyped(key) ||
    TYPED_WORDS.test(text)
  );
}

/** Whether the key is printable text, as one of 6·10^13 random keys is. */
function isTyped(key: Uint8Array): boolean {
  return key.every((byte) => byte >= 0x20 && byte < 0x7f);
}

/**
 * Whether the key consists of one repeated part. One of 10^38 random keys is a part of 16 bytes
 * twice; shorter parts are rarer still.
 */
function isRepeated(key: Uint8Array): boolean {
  for (let length = 1; length <= LONGEST_PIECE_BYTES; length++)
    if (key.every((byte, at) => byte === key[at % length])) return true;
  return false;
}

/** Whether consecutive bytes have a constant difference modulo 256. */
function hasEvenRun(key: Uint8Array): boolean {
  const stepTo = (at: number): number => ((key[at] ?? 0) - (key[at - 1] ?? 0) + 256) % 256;
  let run = 1;
  return key.some((_byte, at) => {
    if (at === 0) return false;
    run = at > 1 && stepTo(at) === stepTo(at - 1) ? run + 1 : 2;
    return run >= EVEN_RUN_BYTES;
  });
}
