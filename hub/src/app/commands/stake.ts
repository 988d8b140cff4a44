import { createSender, stakeCommand, unlock } from '@pontage/shared/node'

/** Shows the hub's stake, adds to it, or takes out what the hub does not need. */
export const stake = stakeCommand({
  program: 'pontage-hub',
  role: 'hub',
  ending: 'pontage-hub wind-down',
  withSender: async (options, chain, work) => work(createSender(chain, await unlock(options))),
})
