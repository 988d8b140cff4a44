import { timeline } from '../timeline.js'

/** Waits in virtual time; rejects like Node's own when the signal aborts. */
export function setTimeout<Value>(
  delayMs = 1,
  value?: Value,
  { signal }: { signal?: AbortSignal } = {},
): Promise<Value | undefined> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      planned.cancel()
      reject(Object.assign(new Error('The operation was aborted'), { name: 'AbortError', code: 'ABORT_ERR' }))
    }
    const planned = timeline().plan(Math.max(1, delayMs), () => {
      signal?.removeEventListener('abort', abort)
      resolve(value)
    })
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}
