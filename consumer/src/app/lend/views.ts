import { systemClock } from '@pontage/shared'
import { dayOf } from '../../core/limits.js'
import { readJournal } from '../../io/home/journal.js'
import { readLendings } from '../../io/home/lendings.js'
import type { LendingState } from './lendOut.js'

/** A lending in a list: no secrets. Amounts are decimal strings of the token's smallest unit. */
export interface LendingView {
  readonly name: string
  readonly state: LendingState | 'not running'
  /** Why it is in that state, where there is more to say. */
  readonly reason: string | null
  readonly provider: string | null
  /** Unix seconds. */
  readonly createdAt: number
  readonly budget: readonly string[]
  readonly cap: readonly string[]
  readonly rate: string | null
  readonly spent: string
  readonly bytes: number
  readonly today: { readonly spent: string; readonly bytes: number }
}

/** How a lending stands that a program holds. */
export interface Standing {
  readonly state: LendingState
  readonly reason: string | null
}

/** All lendings of a home, by what is written down. @param standing - Of one that this program holds */
export async function viewsOf(
  home: string,
  standing: (name: string) => Standing | undefined = () => undefined,
): Promise<LendingView[]> {
  const kept = await readLendings(home)
  if (kept.length === 0) return []
  const { usage } = await readJournal(home)
  const day = dayOf(systemClock.now())
  return kept.map(({ name, id, createdAt, provider = null, limits: { budget, cap, rate = null } }) => {
    const { state = 'not running', reason = null } = standing(name) ?? {}
    const [all, today] = [usage.lentIn(id, ''), usage.lentIn(id, day)].map(({ spent, bytes }) => ({
      spent: `${spent}`,
      bytes: Number(bytes),
    })) as [LendingView['today'], LendingView['today']]
    return { name, state, reason, provider, createdAt, budget, cap, rate, ...all, today }
  })
}
