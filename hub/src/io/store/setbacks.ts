import { LedgerUnavailable } from '../ledger.js'
import { type Ask, type Engine, originName, plain, statement } from './engine.js'
import { writeNote } from './operatorState.js'

/** The store is an older one than before. Nothing was decided; that the hub must recover is on disk. */
export class WentBack extends LedgerUnavailable {
  constructor() {
    super('The database went back to an older state. The hub recovers what it had promised since.')
  }
}

const readOrigin = plain(statement(`SELECT value FROM setting WHERE name = '${originName}'`))
const writeOrigin = statement(
  'INSERT INTO setting (name, value) {rows:text,text} ON CONFLICT (name) DO UPDATE SET value = excluded.value',
)

/**
 * Notices a store that lost what was committed: an asynchronous stand-by that took over, or an old copy that was put
 * back. Neither the hub nor its providers would: what it remembers of it fits again after as many writes as were lost.
 */
export class Setbacks {
  /** Where the last transaction was; undefined before the first. */
  #origin: string | undefined

  constructor(private readonly engine: Engine) {}

  /**
   * Looks, within a transaction that was begun, whether the store is still the same.
   *
   * @param wentBack - Whether its history is not the one that this process saw.
   * @returns What is to be written along: at the first look nothing was decided yet on what is not there any more.
   *   `written` is to be called once it is on disk: what could not be noted is noticed again.
   * @throws WentBack when this process worked on another store; the note that begins the recovery is then on disk.
   */
  async check(wentBack: boolean): Promise<{ readonly writes: readonly Ask[]; readonly written: () => void }> {
    const origin = this.engine.origin()
    const before = this.#origin
    const written = () => {
      this.#origin = origin
    }
    if (origin === before && !wentBack) return { writes: [], written }
    const [[stored] = []] = await this.engine.more([readOrigin])
    const moved = (before ?? stored?.value ?? origin) !== origin
    const writes: readonly Ask[] = [
      ...(moved || wentBack
        ? [{ statement: writeNote, given: [['recovering', JSON.stringify('went-back')]] }]
        : []),
      ...(origin !== '' && stored?.value !== origin
        ? [{ statement: writeOrigin, given: [[originName, origin]] }]
        : []),
    ]
    if (before === undefined || !(moved || wentBack)) return { writes, written }
    await this.engine.commit(writes)
    written()
    throw new WentBack()
  }
}
