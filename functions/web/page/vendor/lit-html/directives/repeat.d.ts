export function repeat<T>(
  items: Iterable<T>,
  keyOf: (item: T, index: number) => unknown,
  template: (item: T, index: number) => unknown,
): unknown;
