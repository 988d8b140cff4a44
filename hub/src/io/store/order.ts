import type { Address, Hex } from '@pontage/shared'
import type { Ask, Row } from './engine.js'
import type { UnitOfWork } from './unitOfWork.js'

/** Something to be decided and written in one transaction, on the rows it names. */
export interface Order<Result> {
  readonly channels?: readonly Hex[]
  readonly providers?: readonly Address[]
  /** Causes of guarantees that may have been given already. */
  readonly causes?: readonly Hex[]
  /**
   * Also the channels on which this provider holds cleared money under a guarantee that ends before a time, told from
   * that of the block that decisions are made on.
   */
  readonly uncovered?: { readonly provider: Address; readonly before: (blockAt: number) => number }
  /** Reads of its own, made under the same locks. */
  readonly asks?: readonly Ask[]
  /** Nothing else of the same name may be in its group; `'*'`: nothing at all. */
  readonly alone?: string
  readonly apply: (unit: UnitOfWork, read: readonly (readonly Row[])[], uncovered: readonly Hex[]) => Result
}
