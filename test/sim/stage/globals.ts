import { epochSeconds, type Planned, timeline } from './timeline.js'

/** Milliseconds since 1970, by the clock of the machine whose program asks. */
export const wallClockMs = (): number => {
  const { nowMs, process } = timeline()
  return Math.floor(epochSeconds * 1_000 + nowMs + process.clockOffsetMs)
}

class VirtualTimer {
  #planned: Planned | undefined

  constructor(
    private readonly act: () => void,
    private readonly delayMs: number,
    private readonly repeats: boolean,
  ) {
    this.refresh()
  }

  refresh(): this {
    this.close()
    this.#planned = timeline().plan(Math.max(1, this.delayMs || 0), () => {
      if (this.repeats) this.refresh()
      this.act()
    })
    return this
  }

  close(): this {
    this.#planned?.cancel()
    return this
  }

  ref = (): this => this
  unref = (): this => this
  hasRef = (): boolean => true
}

type Act = (...given: unknown[]) => void
const start = (act: Act, delayMs: number | undefined, repeats: boolean, given: unknown[]) =>
  new VirtualTimer(() => act(...given), Number(delayMs ?? 0), repeats)
const stop = (timer: unknown): void => {
  if (timer instanceof VirtualTimer) timer.close()
}

/** Puts virtual time in the place of the runtime's clock and timers, for everything that runs from now on. */
export function takeOverGlobals(): void {
  const RealDate = Date
  class VirtualDate extends RealDate {
    constructor(...given: unknown[]) {
      // biome-ignore lint/suspicious/noExplicitAny: a Date takes many forms.
      super(...((given.length === 0 ? [wallClockMs()] : given) as [any]))
    }
    static override now(): number {
      return wallClockMs()
    }
  }
  Object.assign(globalThis, {
    Date: VirtualDate,
    setTimeout: (act: Act, delayMs?: number, ...given: unknown[]) => start(act, delayMs, false, given),
    setInterval: (act: Act, delayMs?: number, ...given: unknown[]) => start(act, delayMs, true, given),
    setImmediate: (act: Act, ...given: unknown[]) => timeline().plan(0, () => act(...given)),
    clearTimeout: stop,
    clearInterval: stop,
    clearImmediate: (planned: Planned | undefined) => planned?.cancel(),
  })
  performance.now = () => timeline().nowMs
  Math.random = () => timeline().process.chance.real()
  AbortSignal.timeout = (delayMs) => {
    const controller = new AbortController()
    timeline().plan(delayMs, () => controller.abort(new DOMException('It took too long.', 'TimeoutError')))
    return controller.signal
  }
}
