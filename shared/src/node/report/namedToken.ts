import type { TokenNames } from '../../quantity.js'

let token: TokenNames | undefined

/** Says what the token of this run's chain is called. */
export const nameToken = (names: TokenNames): void => {
  token = names
}

/** Undefined before the chain has said it. */
export const namedToken = (): TokenNames | undefined => token
