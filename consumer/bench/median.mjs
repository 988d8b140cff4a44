/** Whole milliseconds. */
export const median = (found) =>
  Math.round(found.toSorted((a, b) => a - b)[Math.floor(found.length / 2)] ?? 0)
