/** `2026-11-22 23:53 UTC`, of seconds since 1970. */
export const timeOf = (seconds: number): string =>
  `${new Date(seconds * 1_000).toISOString().slice(0, 16).replace('T', ' ')} UTC`
