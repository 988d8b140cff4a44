import { signal } from '@preact/signals'
import type { Points } from './curve.js'

const shownSeconds = 120

/** Speeds over the last two minutes, of counters that are told about once a second. */
export function createSpeeds() {
  const points = signal<Points>({ at: [], down: [], up: [] })
  let before: { at: number; down: number; up: number } | undefined
  return {
    points,
    /** Takes the bytes of both directions as they are counted now; a counter that fell began anew. */
    note(down: number, up: number): void {
      const at = Date.now() / 1_000
      const { at: then, down: downThen, up: upThen } = before ?? { at: at - 1, down, up }
      const rate = (is: number, was: number) => (is < was ? 0 : (is - was) / Math.max(0.2, at - then))
      before = { at, down, up }
      const kept = points.value.at.filter((each) => each > at - shownSeconds).length
      const last = (of: readonly number[]) => (kept === 0 ? [] : of.slice(-kept))
      points.value = {
        at: [...last(points.value.at), at],
        down: [...last(points.value.down), rate(down, downThen)],
        up: [...last(points.value.up), rate(up, upThen)],
      }
    },
  }
}

/** The newest of some values; zero before the first. */
export const newest = (of: readonly number[]): number => of.at(-1) ?? 0
