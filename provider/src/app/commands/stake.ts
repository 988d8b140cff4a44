import { stakeCommand as stakeOf } from '@pontage/shared/node'
import { withSender } from './open.js'

/** Shows the provider's stake, adds to it, or takes out what the provider does not need. */
export const stakeCommand = stakeOf({
  program: 'pontage-provider',
  role: 'provider',
  ending: 'pontage-provider retire',
  withSender,
})
