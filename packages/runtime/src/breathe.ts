/**
 * Long work that is cut into pieces of a millisecond. Between two of them whatever else is ready has the event loop: a page of a walk is 20 ms of parsing,
 * and with five pages in a row a change whose answer had arrived waited 100 ms for its callback. One line for the process, since it has one event loop:
 * twenty pages that each let go after a millisecond would still be twenty milliseconds in a row.
 *
 * Rejected: worker threads (what is parsed would be copied, which costs as much as parsing it).
 */
let line: Promise<void> = Promise.resolve();

/** Resolves in a later turn of the event loop, in which nobody else who breathes goes on. */
export function breathe(): Promise<void> {
  line = line.then(() => new Promise<void>((resolve) => void setImmediate(resolve)));
  return line;
}
