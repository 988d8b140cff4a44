/**
 * Resolves at the first reason to stop: a signal, a terminal that hung up, or a log that nobody reads any more.
 *
 * @param second - What a second signal does: `ends` the process at once, as the system does it, or is `ignored` because
 *   there is something to clean up.
 * @returns The signal's name, or `closed pipe`.
 */
export const untilStopped = (second: 'ends' | 'ignored'): Promise<string> =>
  new Promise((resolve) => {
    const listen = (second === 'ends' ? process.once : process.on).bind(process)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) listen(signal, () => resolve(signal))
    for (const stream of [process.stdout, process.stderr]) stream.on('error', () => resolve('closed pipe'))
  })
