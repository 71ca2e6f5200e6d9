/** A key with fewer different bytes was not generated at random: of 10^37 random keys, one has so few. */
const DIFFERENT_BYTES_MIN = 8;
/** Half of a key: a longer piece is not repeated in it. */
const LONGEST_PIECE_BYTES = 16;

/** One random key in 10^13 has so many bytes in a row that are equal, or rise or fall evenly. */
const EVEN_RUN_BYTES = 8;
/** What people type; one random key in 10^7 has such a word in its base64. */
const TYPED_WORDS = /change[-_]?me|secret|default|example|password|master|syncline|1234567/i;

/**
 * Whether a key was typed or made up instead of generated at random: anybody could guess it.
 * @param text the key as it stands in the variable
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

/** Printable text: one random key in 6·10^13 is. */
function isTyped(key: Uint8Array): boolean {
  return key.every((byte) => byte >= 0x20 && byte < 0x7f);
}

/** 16 random bytes are followed by themselves once in 10^38 keys; shorter pieces are rarer still. */
function isRepeated(key: Uint8Array): boolean {
  for (let length = 1; length <= LONGEST_PIECE_BYTES; length++)
    if (key.every((byte, at) => byte === key[at % length])) return true;
  return false;
}

/** Each byte of a run is as far from the one before as the others are, around 256. */
function hasEvenRun(key: Uint8Array): boolean {
  const stepTo = (at: number): number => ((key[at] ?? 0) - (key[at - 1] ?? 0) + 256) % 256;
  let run = 1;
  return key.some((_byte, at) => {
    if (at === 0) return false;
    run = at > 1 && stepTo(at) === stepTo(at - 1) ? run + 1 : 2;
    return run >= EVEN_RUN_BYTES;
  });
}
