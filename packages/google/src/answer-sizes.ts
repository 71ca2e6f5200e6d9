/* Bounds of answers that methods of several APIs share, in bytes after inflating. */

const KB = 1024;
export const MB = 1024 * KB;

/**
 * Gmail accepts messages up to 50 MB, which are 70 MB in base64. A batch of smaller messages is
 * bounded below that by its weight.
 */
export const WHOLE_MESSAGES = 80 * MB;
/** An object of a fixed number of short fields. */
export const SMALL = 256 * KB;
