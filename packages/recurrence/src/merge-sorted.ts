/** A sorted stream. Its return value says whether it was complete. */
export type Sorted<T> = Iterator<T, boolean>;

/**
 * Merges sorted streams, smallest item first. Reads from a stream only the items that it yields and
 * one more.
 * @returns whether all streams were complete
 */
export function* mergeSorted<T>(
  streams: readonly Sorted<T>[],
  keyOf: (item: T) => number,
): Generator<T, boolean> {
  let isWhole = true;
  const heap: Head<T>[] = [];
  for (const stream of streams) isWhole = push(heap, stream, keyOf) && isWhole;
  for (let head = heap[0]; head; head = heap[0]) {
    yield head.item;
    const next = head.stream.next();
    if (next.done) {
      isWhole &&= next.value;
      const last = heap.pop();
      if (last && last !== head) heap[0] = last;
    } else {
      head.item = next.value;
      head.key = keyOf(next.value);
    }
    sink(heap);
  }
  return isWhole;
}

interface Head<T> {
  key: number;
  item: T;
  stream: Sorted<T>;
}

/** @returns false when the stream is empty and was not complete */
function push<T>(heap: Head<T>[], stream: Sorted<T>, keyOf: (item: T) => number): boolean {
  const first = stream.next();
  if (first.done) return first.value;
  heap.push({ key: keyOf(first.value), item: first.value, stream });
  for (let at = heap.length - 1; at > 0;) {
    const above = (at - 1) >> 1;
    if (!isBefore(heap, at, above)) break;
    swap(heap, at, above);
    at = above;
  }
  return true;
}

function sink<T>(heap: Head<T>[]): void {
  for (let at = 0; ;) {
    const left = 2 * at + 1;
    const smaller = left + 1 < heap.length && isBefore(heap, left + 1, left) ? left + 1 : left;
    if (smaller >= heap.length || !isBefore(heap, smaller, at)) return;
    swap(heap, at, smaller);
    at = smaller;
  }
}

function isBefore<T>(heap: readonly Head<T>[], a: number, b: number): boolean {
  return (heap[a]?.key ?? Infinity) < (heap[b]?.key ?? Infinity);
}

function swap<T>(heap: Head<T>[], a: number, b: number): void {
  [heap[a], heap[b]] = [heap[b] as Head<T>, heap[a] as Head<T>];
}
