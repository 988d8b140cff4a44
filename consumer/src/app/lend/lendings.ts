import { address, systemClock } from '@pontage/shared'
import { UserError } from '@pontage/shared/node'
import { type LendLimitTexts, parseLendLimits } from '../../core/lendLimits.js'
import { exactDecimals } from '../../core/limits.js'
import {
  forgetLending,
  isLendingName,
  keepLending,
  type Lending,
  newLending,
  readLendings,
} from '../../io/home/lendings.js'
import { type Lender, type LendingState, type LendingTold, type LentTerms, lendOut } from './lendOut.js'
import { type LendingView, type Standing, viewsOf } from './views.js'

/** What somebody wants to lend. Limits that are left out stay as they are kept. */
export interface LendWishes {
  readonly name: string
  readonly provider?: string | undefined
  readonly country?: string | undefined
  readonly limits: LendLimitTexts
}

/** A lending that stands, as whoever asked for it is told. */
export interface Lent extends LentTerms {
  readonly name: string
  readonly provider: string
  /** It holds a private key. */
  readonly configuration: string
  readonly limits: LendLimitTexts
}

/** What is told of all lendings of a program. */
export type LendingsTold = (name: string) => Omit<LendingTold, 'moved'> & Partial<Pick<LendingTold, 'moved'>>

interface Running {
  state: LendingState
  reason: string | null
  readonly stop: AbortController
  readonly over: Promise<boolean>
}

/** The lendings that this program holds. */
export interface Lendings {
  /** Lends, or goes on lending what is kept under this name. Resolves when it stands. @throws UserError when it does not */
  lend(wishes: LendWishes): Promise<Lent>
  /** All of this home, running or not. */
  list(): Promise<LendingView[]>
  /** How one stands; undefined where this program does not hold it. */
  stateOf(name: string): Standing | undefined
  /** Resolves when one runs no more. */
  ended(name: string): Promise<void>
  /** Ends one, and forgets it and its keys. @throws UserError where there is none */
  forget(name: string): Promise<void>
  /** Resolves when none runs any more. @returns Whether each ended as its user meant it to */
  over(): Promise<boolean>
  /** Ends all; they are kept. */
  close(): Promise<void>
}

export function createLendings(home: string, lender: () => Promise<Lender>, told: LendingsTold): Lendings {
  const running = new Map<string, Running>()
  let endedWell = true

  async function lend(wishes: LendWishes): Promise<Lent> {
    const { name } = wishes
    if (running.has(name))
      throw new UserError(
        `"${name}" is lent already: "pontage lend show ${name}" shows its configuration, "pontage lend stop ${name}" ends it.`,
      )
    const stop = new AbortController()
    return new Promise((resolve, reject) => {
      let isTold = false
      const stands = (lent: Lent) => {
        isTold = true
        resolve(lent)
      }
      const over = begin(wishes, stop, stands).then(
        (isWanted) => {
          reject(new UserError('The lending ended before it stood.'))
          return isWanted
        },
        (error: Error) => {
          reject(error)
          if (isTold) told(name).said(error.message)
          return false
        },
      )
      const mine: Running = { state: 'seeking', reason: null, stop, over }
      running.set(name, mine)
      void over.then((isWanted) => {
        endedWell &&= isWanted
        if (running.get(name) === mine) running.delete(name)
      })
    })
  }

  async function begin(
    wishes: LendWishes,
    stop: AbortController,
    stands: (lent: Lent) => void,
  ): Promise<boolean> {
    const { name } = wishes
    const lending = await wantedLending(home, wishes)
    const hand = await lender()
    // What is said of one that stood before holds from now on, also where it does not stand again today.
    if (lending.configuration !== undefined) await keepLending(home, lending)
    const teller = told(name)
    return lendOut(
      hand,
      lending,
      {
        ...teller,
        lent(kept, terms, isNew) {
          teller.lent(kept, terms, isNew)
          const { provider = '', configuration = '', limits } = kept
          stands({ name, provider, configuration, limits, ...terms })
        },
        moved(state, reason) {
          const mine = running.get(name)
          if (mine) Object.assign(mine, { state, reason })
          teller.moved?.(state, reason)
        },
      },
      stop.signal,
    )
  }

  return {
    lend,
    stateOf: (name) => running.get(name),
    list: () => viewsOf(home, (name) => running.get(name)),
    ended: async (name) => {
      await running.get(name)?.over
    },
    async forget(name) {
      const mine = running.get(name)
      mine?.stop.abort()
      await mine?.over
      if (!(await forgetLending(home, name)) && mine === undefined) throw noSuch(name)
    },
    async over() {
      while (running.size > 0) await Promise.all([...running.values()].map(({ over }) => over))
      return endedWell
    },
    async close() {
      for (const { stop } of running.values()) stop.abort()
      await Promise.all([...running.values()].map(({ over }) => over))
    },
  }
}

/** @throws UserError where there is none of this name */
export async function lendingNamed(home: string, name: string): Promise<Lending> {
  const found = await keptAs(home, name)
  if (found === undefined) throw noSuch(name)
  return found
}

const keptAs = async (home: string, name: string): Promise<Lending | undefined> =>
  (await readLendings(home)).find((each) => each.name === name)

const noSuch = (name: string) =>
  new UserError(`Nothing is lent as "${name}". "pontage lend list" shows what is.`)

/**
 * What is kept, with what somebody wants of it now.
 *
 * @throws UserError for another provider than it has, RangeError for limits that are none.
 */
export async function wantedLending(home: string, wishes: LendWishes): Promise<Lending> {
  const { name, provider, country, limits: wanted } = wishes
  const kept = await keptAs(home, name)
  const wants = provider === undefined ? undefined : address(provider)
  if (!isLendingName(name))
    throw new UserError(
      `"${name}" cannot be the name of a lending: expected up to 15 letters, digits, dashes and underscores, a letter first, such as phone.`,
    )
  if (kept?.provider !== undefined && wants !== undefined && wants !== kept.provider)
    throw new UserError(
      `"${name}" is lent by ${kept.provider}. For another provider give another --name, or forget this one: pontage lend stop ${name}.`,
    )
  const limits: LendLimitTexts = {
    budget: wanted.budget.length > 0 ? wanted.budget : (kept?.limits.budget ?? []),
    cap: wanted.cap.length > 0 ? wanted.cap : (kept?.limits.cap ?? []),
    rate: wanted.rate ?? kept?.limits.rate,
    maxPrice: wanted.maxPrice.length > 0 ? wanted.maxPrice : (kept?.limits.maxPrice ?? []),
  }
  parseLendLimits(limits, exactDecimals)
  if (kept === undefined) return newLending({ name, limits, provider: wants, country }, systemClock.now())
  // Who names a price anew agrees to it.
  const price = wanted.maxPrice.length > 0 ? undefined : kept.price
  return { ...kept, limits, price }
}
