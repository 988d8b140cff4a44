/** Milliseconds for which a write shows that the store can be written. */
const writeLastsMs = 5_000
/** Milliseconds that a write is waited for before whoever asks is told that there is none. */
const patienceMs = 2_000

/**
 * Tells why the store cannot be written; undefined when it can. Reading says nothing of that: a full disk and a lock
 * that somebody holds let everything be read. Where nothing was written of late, something is, once for all who ask.
 */
export function createWriteProbe(
  silentMs: () => number,
  write: () => Promise<void>,
): () => Promise<string | undefined> {
  let probing: Promise<string | undefined> | undefined
  let began = 0
  return async () => {
    if (probing === undefined && silentMs() < writeLastsMs) return undefined
    if (probing === undefined) {
      began = performance.now()
      probing = write().then(
        () => undefined,
        (error: Error) => error.message.replace(/\.$/, ''),
      )
      void probing.then(() => {
        probing = undefined
      })
    }
    const probe = probing
    const late = new Promise<string>((resolve) =>
      setTimeout(
        () => resolve(`nothing was written for ${Math.round((performance.now() - began) / 1_000)} s`),
        patienceMs,
      ).unref(),
    )
    return Promise.race([probe, late])
  }
}
