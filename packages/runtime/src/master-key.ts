/** A key with fewer different bytes was not generated at random: of 10^37 random keys, one has so few. */
const DIFFERENT_BYTES_MIN = 8;
/** Half of a key: a longer piece is not repeated in it. */
const LONGEST_PIECE_BYTES = 16;

/** Whether a key is all zero, one byte over and over, a piece that is repeated, or bytes that rise or fall evenly: anybody could guess it. */
export function isGuessable(key: Uint8Array): boolean {
  return new Set(key).size < DIFFERENT_BYTES_MIN || isRepeated(key) || isEven(key);
}

/** 16 random bytes are followed by themselves once in 10^38 keys; shorter pieces are rarer still. */
function isRepeated(key: Uint8Array): boolean {
  for (let length = 1; length <= LONGEST_PIECE_BYTES; length++)
    if (key.every((byte, at) => byte === key[at % length])) return true;
  return false;
}

/** Each byte is as far from the one before as the second is from the first, around 256. */
function isEven(key: Uint8Array): boolean {
  const stepTo = (at: number): number => ((key[at] ?? 0) - (key[at - 1] ?? 0) + 256) % 256;
  return key.every((_byte, at) => at === 0 || stepTo(at) === stepTo(1));
}
